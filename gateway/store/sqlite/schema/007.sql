-- Version 7: what people wrote about an exception can be erased once it is over.

-- Whose texts they are, besides message: openings of no message were those of
-- exceptions alone, whose records name them.
ALTER TABLE openings ADD COLUMN exception TEXT CHECK (exception IS NULL OR message IS NULL);
CREATE INDEX openings_exception ON openings (exception) WHERE exception IS NOT NULL;
UPDATE openings SET exception = (SELECT json_extract(event, '$.object.id') FROM audit_rows WHERE n = openings.row)
	WHERE message IS NULL AND row IN (SELECT n FROM audit_rows WHERE verb IN ('exception.opened', 'exception.ended'));

DROP TRIGGER exceptions_fixed;
CREATE TRIGGER exceptions_fixed BEFORE UPDATE ON exceptions
	WHEN new.reason <> '' AND new.reason <> old.reason OR new.reason <> old.reason AND new.ended_at = 0
		OR old.id <> new.id OR old.scope <> new.scope OR old.from_at <> new.from_at OR old.until_at <> new.until_at
		OR old.max_uses <> new.max_uses OR old.proposer <> new.proposer OR old.person <> new.person OR new.uses < old.uses
	BEGIN SELECT RAISE(ABORT, 'an exception is fixed'); END;
