-- Version 10: a wholly held mail ends when nothing of it is held any more.

-- One more state: some of it went out by follow-up mails. Only the condition of
-- the column changes, as in version 6.
PRAGMA writable_schema = ON;
UPDATE sqlite_schema SET sql = replace(sql, '''failed'', ''discarded''))',
	'''failed'', ''discarded'', ''released''))')
	WHERE type = 'table' AND name = 'deliveries';
PRAGMA writable_schema = RESET;
INSERT INTO tallies (name, n) VALUES ('delivery released', 0);

-- Those of which everything was decided before; their records are those of their
-- items.
UPDATE deliveries SET state = iif(EXISTS (SELECT 1 FROM items i WHERE i.message = deliveries.message AND i.delivery = deliveries.id
		AND i.state = 'released'), 'released', 'discarded')
	WHERE state = 'held' AND EXISTS (SELECT 1 FROM items i WHERE i.message = deliveries.message AND i.delivery = deliveries.id)
		AND NOT EXISTS (SELECT 1 FROM items i WHERE i.message = deliveries.message AND i.delivery = deliveries.id AND i.state = 'held');

-- Texts of mails, in the order in which they came to be.
CREATE INDEX openings_texts ON openings (row) WHERE message IS NOT NULL;
