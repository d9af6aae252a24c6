-- Version 6: notices about held parts that are sent as digests, and what became
-- of notices.

-- Three more kinds of mails of our own. Only the condition of the column changes,
-- and no stored row; SQLite has no statement for that (lang_altertable.html,
-- section 7), and a new table with all deliveries copied would take as long as
-- there are rows.
PRAGMA writable_schema = ON;
UPDATE sqlite_schema SET sql = replace(sql, 'CHECK (kind IN (''mail'', ''substitute'', ''postmaster'', ''followup''))',
	'CHECK (kind IN (''mail'', ''substitute'', ''postmaster'', ''followup'', ''digest'', ''notice'', ''trial''))')
	WHERE type = 'table' AND name = 'deliveries';
PRAGMA writable_schema = RESET;

-- A held part that somebody is to be told of in a digest: its recipient, or an
-- address that reads those of a department. digest is the mail that did.
CREATE TABLE notices (
	n       INTEGER PRIMARY KEY AUTOINCREMENT,
	item    TEXT NOT NULL REFERENCES items (id),
	address TEXT NOT NULL CHECK (address <> ''),
	at      INTEGER NOT NULL,
	digest  TEXT REFERENCES deliveries (id),
	UNIQUE (item, address)
) STRICT;
CREATE INDEX notices_waiting ON notices (at) WHERE digest IS NULL;
CREATE INDEX notices_address ON notices (address, at) WHERE digest IS NULL;
CREATE INDEX notices_digest ON notices (digest) WHERE digest IS NOT NULL;
-- Each is told once.
CREATE TRIGGER notices_fixed BEFORE UPDATE ON notices
	WHEN old.digest IS NOT NULL OR old.item <> new.item OR old.address <> new.address OR old.at <> new.at
	BEGIN SELECT RAISE(ABORT, 'a notice is told once'); END;
CREATE TRIGGER notices_kept_always BEFORE DELETE ON notices
	BEGIN SELECT RAISE(ABORT, 'notices are kept'); END;

-- When the next hop last took a notice, and how many it has refused since.
CREATE TABLE notice_outcomes (
	one        INTEGER PRIMARY KEY CHECK (one = 1),
	taken_at   INTEGER NOT NULL,
	refused    INTEGER NOT NULL CHECK (refused >= 0),
	refused_at INTEGER NOT NULL,
	CHECK ((refused = 0) = (refused_at = 0))
) STRICT;
INSERT INTO notice_outcomes (one, taken_at, refused, refused_at) VALUES (1, 0, 0, 0);
CREATE INDEX deliveries_notices ON deliveries (created_at)
	WHERE kind IN ('substitute', 'digest', 'notice', 'trial') AND state IN ('drafted', 'ready', 'relaying');
