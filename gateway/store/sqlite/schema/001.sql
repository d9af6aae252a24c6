-- Version 1. Times are nanoseconds since 1970 in UTC, 0 for none; digests are
-- 32 bytes; ids are the hex digits of gateway.ID. n is the order of arrival.
--
-- due_at is the first instant at which a row may be claimed: its next_at, or
-- the end of its lease. queue_at is its place in the queue: due_at, but not
-- before it came. Both are kept beside the facts they follow from, so that a
-- claim is one step in an index.

CREATE TABLE messages (
	n             INTEGER PRIMARY KEY AUTOINCREMENT,
	id            TEXT NOT NULL UNIQUE CHECK (id <> ''),
	receipt       TEXT NOT NULL,
	reverse_path  TEXT NOT NULL,
	forward_paths TEXT NOT NULL CHECK (json_array_length(forward_paths) > 0),
	client        TEXT NOT NULL,
	helo          TEXT NOT NULL,
	tls           INTEGER NOT NULL CHECK (tls IN (0, 1)),
	utf8          INTEGER NOT NULL CHECK (utf8 IN (0, 1)),
	received_at   INTEGER NOT NULL,
	size          INTEGER NOT NULL CHECK (size >= 0),
	sum           BLOB NOT NULL CHECK (length(sum) = 32),
	blob          TEXT NOT NULL,
	subject       TEXT NOT NULL,
	header_from   TEXT NOT NULL,
	state         TEXT NOT NULL CHECK (state IN ('accepted', 'sanitizing', 'settled')),
	owner         TEXT NOT NULL DEFAULT '',
	until         INTEGER NOT NULL DEFAULT 0,
	fence         INTEGER NOT NULL DEFAULT 0,
	crashes       INTEGER NOT NULL DEFAULT 0,
	lost          INTEGER NOT NULL DEFAULT 0,
	next_at       INTEGER NOT NULL DEFAULT 0,
	due_at        INTEGER NOT NULL,
	queue_at      INTEGER NOT NULL,
	CHECK ((state = 'sanitizing') = (owner <> '')),
	CHECK (state = 'settled' OR blob <> '')
) STRICT;
CREATE UNIQUE INDEX messages_receipt ON messages (receipt) WHERE receipt <> '';
CREATE INDEX messages_queue ON messages (queue_at) WHERE state <> 'settled';
CREATE INDEX messages_due ON messages (due_at) WHERE state <> 'settled';
CREATE INDEX messages_waiting ON messages (received_at) WHERE state <> 'settled';
CREATE INDEX messages_kept ON messages (received_at) WHERE state = 'settled' AND blob <> '';
CREATE INDEX messages_blob ON messages (blob) WHERE blob <> '';

CREATE TABLE deliveries (
	n            INTEGER PRIMARY KEY AUTOINCREMENT,
	id           TEXT NOT NULL UNIQUE CHECK (id <> ''),
	message      TEXT REFERENCES messages (id),
	receipt      TEXT NOT NULL,
	kind         TEXT NOT NULL CHECK (kind IN ('mail', 'substitute', 'postmaster', 'followup')),
	about        TEXT REFERENCES deliveries (id),
	reverse_path TEXT NOT NULL CHECK (kind = 'mail' OR reverse_path = ''),
	policy       TEXT NOT NULL,
	state        TEXT NOT NULL CHECK (state IN ('drafted', 'ready', 'relaying', 'relayed', 'held', 'failed', 'discarded')),
	verdict      TEXT NOT NULL,
	reason       TEXT NOT NULL,
	held_parts   INTEGER NOT NULL,
	blob         TEXT NOT NULL,
	size         INTEGER NOT NULL CHECK (size >= 0),
	sum          BLOB NOT NULL CHECK (length(sum) = 32),
	passport     BLOB,
	created_at   INTEGER NOT NULL,
	next_at      INTEGER NOT NULL,
	expires_at   INTEGER NOT NULL,
	attempts     INTEGER NOT NULL,
	owner        TEXT NOT NULL DEFAULT '',
	until        INTEGER NOT NULL DEFAULT 0,
	fence        INTEGER NOT NULL DEFAULT 0,
	due_at       INTEGER NOT NULL,
	queue_at     INTEGER NOT NULL,
	CHECK (CASE state WHEN 'relaying' THEN owner <> '' WHEN 'drafted' THEN 1 ELSE owner = '' END),
	CHECK (state NOT IN ('ready', 'relaying') OR blob <> '')
) STRICT;
CREATE INDEX deliveries_message ON deliveries (message) WHERE message IS NOT NULL;
CREATE INDEX deliveries_created ON deliveries (created_at);
CREATE INDEX deliveries_state ON deliveries (state, created_at);
CREATE INDEX deliveries_queue ON deliveries (queue_at) WHERE state IN ('ready', 'relaying');
CREATE INDEX deliveries_due ON deliveries (due_at) WHERE state IN ('ready', 'relaying');
CREATE INDEX deliveries_drafts ON deliveries (due_at) WHERE state = 'drafted';
CREATE INDEX deliveries_waiting ON deliveries (created_at) WHERE state IN ('drafted', 'ready', 'relaying');
CREATE INDEX deliveries_about ON deliveries (about) WHERE about IS NOT NULL;
CREATE INDEX deliveries_blob ON deliveries (blob) WHERE blob <> '';

CREATE TABLE delivery_recipients (
	delivery TEXT NOT NULL REFERENCES deliveries (id),
	pos      INTEGER NOT NULL,
	address  TEXT NOT NULL CHECK (address <> ''),
	state    TEXT NOT NULL CHECK (state IN ('pending', 'taken', 'refused')),
	code     INTEGER NOT NULL DEFAULT 0,
	reply    TEXT NOT NULL DEFAULT '',
	at       INTEGER NOT NULL DEFAULT 0,
	PRIMARY KEY (delivery, pos)
) STRICT, WITHOUT ROWID;

CREATE TABLE items (
	n          INTEGER PRIMARY KEY AUTOINCREMENT,
	id         TEXT NOT NULL UNIQUE CHECK (id <> ''),
	message    TEXT NOT NULL REFERENCES messages (id),
	delivery   TEXT REFERENCES deliveries (id),
	receipt    TEXT NOT NULL,
	recipient  TEXT NOT NULL,
	path       TEXT NOT NULL,
	name       TEXT NOT NULL,
	kind       TEXT NOT NULL,
	reason     TEXT NOT NULL,
	detail     TEXT NOT NULL,
	sum        BLOB NOT NULL CHECK (length(sum) = 32),
	size       INTEGER NOT NULL,
	state      TEXT NOT NULL CHECK (state IN ('held', 'released', 'discarded', 'expired')),
	held_at    INTEGER NOT NULL,
	expires_at INTEGER NOT NULL,
	decided_at INTEGER NOT NULL,
	decided_by TEXT NOT NULL,
	CHECK (state <> 'held' OR (decided_at = 0 AND decided_by = ''))
) STRICT;
CREATE INDEX items_message ON items (message, state);
CREATE INDEX items_recipient ON items (recipient, held_at);
CREATE INDEX items_held ON items (held_at);
CREATE INDEX items_state ON items (state, held_at);
CREATE INDEX items_expiry ON items (state, expires_at);

-- event is the canonical JSON of a draft: without its place in the log, which
-- is seq once the sequencer has given it. A log restored from an older copy
-- gives new places, and for a moment two rows may have the same.
CREATE TABLE audit_rows (
	n       INTEGER PRIMARY KEY AUTOINCREMENT,
	id      TEXT NOT NULL UNIQUE,
	at      INTEGER NOT NULL,
	verb    TEXT NOT NULL,
	message TEXT,
	event   TEXT NOT NULL,
	seq     INTEGER
) STRICT;
CREATE INDEX audit_rows_pending ON audit_rows (n) WHERE seq IS NULL;
CREATE INDEX audit_rows_seq ON audit_rows (seq) WHERE seq IS NOT NULL;
CREATE INDEX audit_rows_message ON audit_rows (message) WHERE message IS NOT NULL;

-- What commitments in records stand for. Deleting a row is the erasure.
CREATE TABLE openings (
	digest  TEXT PRIMARY KEY,
	nonce   BLOB NOT NULL CHECK (length(nonce) = 32),
	value   TEXT NOT NULL,
	message TEXT,
	row     INTEGER NOT NULL REFERENCES audit_rows (n)
) STRICT, WITHOUT ROWID;
CREATE INDEX openings_message ON openings (message) WHERE message IS NOT NULL;
CREATE INDEX openings_row ON openings (row);

CREATE TABLE receipts (
	day TEXT PRIMARY KEY CHECK (length(day) = 6),
	n   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE settings (
	name  TEXT PRIMARY KEY CHECK (name <> ''),
	value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- Counters, kept by the triggers below, so that nobody has to count rows.
CREATE TABLE tallies (
	name TEXT PRIMARY KEY,
	n    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO tallies (name, n) VALUES
	('message accepted', 0), ('message sanitizing', 0), ('message settled', 0), ('original bytes', 0),
	('delivery drafted', 0), ('delivery ready', 0), ('delivery relaying', 0), ('delivery relayed', 0),
	('delivery held', 0), ('delivery failed', 0), ('delivery discarded', 0),
	('item held', 0), ('item released', 0), ('item discarded', 0), ('item expired', 0),
	('audit pending', 0);

CREATE TRIGGER messages_insert AFTER INSERT ON messages BEGIN
	UPDATE tallies SET n = n + 1 WHERE name = 'message ' || new.state;
	UPDATE tallies SET n = n + new.size WHERE name = 'original bytes' AND new.blob <> '';
END;
CREATE TRIGGER messages_state AFTER UPDATE OF state ON messages WHEN old.state <> new.state BEGIN
	UPDATE tallies SET n = n - 1 WHERE name = 'message ' || old.state;
	UPDATE tallies SET n = n + 1 WHERE name = 'message ' || new.state;
END;
CREATE TRIGGER messages_forget AFTER UPDATE OF blob ON messages WHEN old.blob <> '' AND new.blob = '' BEGIN
	UPDATE tallies SET n = n - old.size WHERE name = 'original bytes';
END;
CREATE TRIGGER deliveries_insert AFTER INSERT ON deliveries BEGIN
	UPDATE tallies SET n = n + 1 WHERE name = 'delivery ' || new.state;
END;
CREATE TRIGGER deliveries_state AFTER UPDATE OF state ON deliveries WHEN old.state <> new.state BEGIN
	UPDATE tallies SET n = n - 1 WHERE name = 'delivery ' || old.state;
	UPDATE tallies SET n = n + 1 WHERE name = 'delivery ' || new.state;
END;
CREATE TRIGGER items_insert AFTER INSERT ON items BEGIN
	UPDATE tallies SET n = n + 1 WHERE name = 'item ' || new.state;
END;
CREATE TRIGGER items_state AFTER UPDATE OF state ON items WHEN old.state <> new.state BEGIN
	UPDATE tallies SET n = n - 1 WHERE name = 'item ' || old.state;
	UPDATE tallies SET n = n + 1 WHERE name = 'item ' || new.state;
END;
CREATE TRIGGER audit_rows_insert AFTER INSERT ON audit_rows WHEN new.seq IS NULL BEGIN
	UPDATE tallies SET n = n + 1 WHERE name = 'audit pending';
END;
CREATE TRIGGER audit_rows_seq AFTER UPDATE OF seq ON audit_rows WHEN old.seq IS NULL AND new.seq IS NOT NULL BEGIN
	UPDATE tallies SET n = n - 1 WHERE name = 'audit pending';
END;
CREATE TRIGGER audit_rows_unseq AFTER UPDATE OF seq ON audit_rows WHEN old.seq IS NOT NULL AND new.seq IS NULL
	BEGIN SELECT RAISE(ABORT, 'an audit row keeps a place'); END;
-- A record is never changed, nor taken back while it waits for its place.
CREATE TRIGGER audit_rows_fixed BEFORE UPDATE ON audit_rows
	WHEN old.n IS NOT new.n OR old.id IS NOT new.id OR old.at IS NOT new.at OR old.verb IS NOT new.verb
		OR old.event IS NOT new.event OR old.message IS NOT new.message
	BEGIN SELECT RAISE(ABORT, 'an audit row is fixed'); END;
CREATE TRIGGER audit_rows_kept BEFORE DELETE ON audit_rows WHEN old.seq IS NULL
	BEGIN SELECT RAISE(ABORT, 'an audit row without a place in the log is kept'); END;
-- Rows of these tables stay; a version that removes old ones has to say so here.
CREATE TRIGGER messages_kept_always BEFORE DELETE ON messages
	BEGIN SELECT RAISE(ABORT, 'messages are kept'); END;
CREATE TRIGGER deliveries_kept_always BEFORE DELETE ON deliveries
	BEGIN SELECT RAISE(ABORT, 'deliveries are kept'); END;
CREATE TRIGGER items_kept_always BEFORE DELETE ON items
	BEGIN SELECT RAISE(ABORT, 'items are kept'); END;
