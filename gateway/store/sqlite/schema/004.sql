-- Version 4: pages that people look at, and sealed keys of second factors.

-- A preview is a job that draws one page of a part (gateway.PagePreview). Its row
-- and its picture are kept for minutes; the records of who looked stay.
ALTER TABLE jobs ADD COLUMN part TEXT NOT NULL DEFAULT '';
ALTER TABLE jobs ADD COLUMN page INTEGER NOT NULL DEFAULT 0 CHECK (page >= 0 AND (kind <> 'preview' OR page > 0));
ALTER TABLE jobs ADD COLUMN pages INTEGER NOT NULL DEFAULT 0 CHECK (pages >= 0);
ALTER TABLE jobs ADD COLUMN picture TEXT NOT NULL DEFAULT '' CHECK (kind <> 'preview' OR (state = 'done') = (picture <> ''));
ALTER TABLE jobs ADD COLUMN picture_size INTEGER NOT NULL DEFAULT 0;
ALTER TABLE jobs ADD COLUMN picture_sum BLOB NOT NULL DEFAULT x'0000000000000000000000000000000000000000000000000000000000000000'
	CHECK (length(picture_sum) = 32);
ALTER TABLE jobs ADD COLUMN expires_at INTEGER NOT NULL DEFAULT 0 CHECK (kind <> 'preview' OR expires_at > 0);
CREATE INDEX jobs_kind ON jobs (kind, state, created_at);
CREATE INDEX jobs_person ON jobs (kind, by, state, created_at);
DROP TRIGGER jobs_kept_always;
CREATE TRIGGER jobs_kept_always BEFORE DELETE ON jobs WHEN old.kind <> 'preview' OR old.state = 'requested'
	BEGIN SELECT RAISE(ABORT, 'jobs are kept'); END;

-- users.factor_secret is sealed to a key outside of the ledger from now on
-- (account.Sealer). The program seals those that lie here in clear at its next
-- start; programs of earlier versions refuse this ledger.
INSERT INTO settings (name, value) VALUES ('second factors', 'clear');
