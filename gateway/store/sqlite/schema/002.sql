-- Version 2: release requests, the register of exceptions, jobs. Persons are
-- stored as JSON, as they were known at the moment of the act; their ids stand
-- beside in columns of their own.

CREATE TABLE exceptions (
	n           INTEGER PRIMARY KEY AUTOINCREMENT,
	id          TEXT NOT NULL UNIQUE CHECK (id <> ''),
	scope       TEXT NOT NULL CHECK (json_valid(scope)),
	reason      TEXT NOT NULL,
	from_at     INTEGER NOT NULL,
	until_at    INTEGER NOT NULL CHECK (until_at > from_at),
	max_uses    INTEGER NOT NULL CHECK (max_uses > 0),
	uses        INTEGER NOT NULL CHECK (uses BETWEEN 0 AND max_uses),
	state       TEXT NOT NULL CHECK (state IN ('proposed', 'open', 'ended', 'expired')),
	version     INTEGER NOT NULL CHECK (version > 0),
	proposer    TEXT NOT NULL CHECK (proposer <> ''),
	person      TEXT NOT NULL CHECK (json_valid(person)),
	proposed_at INTEGER NOT NULL,
	ended_at    INTEGER NOT NULL,
	CHECK ((state IN ('proposed', 'open')) = (ended_at = 0))
) STRICT;
CREATE INDEX exceptions_state ON exceptions (state, proposed_at);
CREATE INDEX exceptions_end ON exceptions (state, until_at);

CREATE TABLE release_requests (
	n            INTEGER PRIMARY KEY AUTOINCREMENT,
	id           TEXT NOT NULL UNIQUE CHECK (id <> ''),
	item         TEXT NOT NULL REFERENCES items (id),
	message      TEXT NOT NULL REFERENCES messages (id),
	receipt      TEXT NOT NULL,
	recipient    TEXT NOT NULL CHECK (recipient <> ''),
	original     TEXT NOT NULL CHECK (json_valid(original)),
	form         TEXT NOT NULL CHECK (form IN ('resanitize', 'text_only', 'internet_side', 'exception')),
	profile      TEXT NOT NULL CHECK (profile IN ('', 'wide')),
	exception    TEXT REFERENCES exceptions (id),
	requester    TEXT NOT NULL CHECK (requester <> ''),
	person       TEXT NOT NULL CHECK (json_valid(person)),
	dept         TEXT NOT NULL,
	reason       TEXT NOT NULL,
	persons      INTEGER NOT NULL CHECK (persons >= 0),
	state        TEXT NOT NULL CHECK (state IN ('requested', 'approved', 'denied', 'sent_back', 'withdrawn', 'expired', 'executed', 'failed')),
	version      INTEGER NOT NULL CHECK (version > 0),
	requested_at INTEGER NOT NULL,
	expires_at   INTEGER NOT NULL,
	ended_at     INTEGER NOT NULL,
	delivery     TEXT REFERENCES deliveries (id),
	fault        TEXT NOT NULL,
	CHECK ((form = 'exception') = (exception IS NOT NULL)),
	CHECK (form <> 'exception' OR persons >= 2),
	CHECK (form <> 'internet_side' AND profile <> 'wide' OR persons >= 1),
	CHECK ((state IN ('requested', 'approved')) = (ended_at = 0)),
	CHECK ((state = 'executed') = (delivery IS NOT NULL)),
	CHECK ((state = 'failed') = (fault <> ''))
) STRICT;
-- One open request of an item, and one release.
CREATE UNIQUE INDEX release_requests_open ON release_requests (item) WHERE state IN ('requested', 'approved');
CREATE UNIQUE INDEX release_requests_once ON release_requests (item) WHERE state = 'executed';
CREATE INDEX release_requests_item ON release_requests (item);
CREATE INDEX release_requests_message ON release_requests (message);
CREATE INDEX release_requests_state ON release_requests (state, requested_at);
CREATE INDEX release_requests_requester ON release_requests (requester, requested_at);
CREATE INDEX release_requests_asked ON release_requests (requested_at);
CREATE INDEX release_requests_expiry ON release_requests (state, expires_at);

-- What people decided, about a request or an exception, in its order.
CREATE TABLE decisions (
	request      TEXT REFERENCES release_requests (id),
	exception    TEXT REFERENCES exceptions (id),
	pos          INTEGER NOT NULL CHECK (pos >= 0),
	choice       TEXT NOT NULL CHECK (choice IN ('approve', 'deny', 'send_back', 'withdraw', 'expire')),
	actor        TEXT NOT NULL,
	person       TEXT NOT NULL CHECK (json_valid(person)),
	on_behalf_of TEXT NOT NULL,
	step         INTEGER NOT NULL,
	at           INTEGER NOT NULL,
	reason       TEXT NOT NULL,
	basis        TEXT NOT NULL CHECK (basis <> ''),
	also         TEXT NOT NULL CHECK (json_valid(also)),
	CHECK ((request IS NULL) <> (exception IS NULL)),
	CHECK ((choice = 'expire') = (actor = '')),
	CHECK ((choice = 'approve') = (step > 0)),
	CHECK (on_behalf_of <> actor OR actor = '')
) STRICT;
CREATE UNIQUE INDEX decisions_request ON decisions (request, pos) WHERE request IS NOT NULL;
CREATE UNIQUE INDEX decisions_exception ON decisions (exception, pos) WHERE exception IS NOT NULL;
-- Nobody approves twice.
CREATE UNIQUE INDEX decisions_request_person ON decisions (request, actor) WHERE request IS NOT NULL AND choice = 'approve';
CREATE UNIQUE INDEX decisions_exception_person ON decisions (exception, actor) WHERE exception IS NOT NULL AND choice = 'approve';

-- due_at is next_at, or the end of the lease.
CREATE TABLE jobs (
	n          INTEGER PRIMARY KEY AUTOINCREMENT,
	id         TEXT NOT NULL UNIQUE CHECK (id <> ''),
	kind       TEXT NOT NULL CHECK (kind <> ''),
	message    TEXT REFERENCES messages (id),
	item       TEXT REFERENCES items (id),
	request    TEXT REFERENCES release_requests (id),
	by         TEXT NOT NULL CHECK (by <> ''),
	state      TEXT NOT NULL CHECK (state IN ('requested', 'done', 'failed')),
	owner      TEXT NOT NULL DEFAULT '',
	until      INTEGER NOT NULL DEFAULT 0,
	fence      INTEGER NOT NULL DEFAULT 0,
	attempts   INTEGER NOT NULL DEFAULT 0,
	lost       INTEGER NOT NULL DEFAULT 0,
	created_at INTEGER NOT NULL,
	next_at    INTEGER NOT NULL,
	due_at     INTEGER NOT NULL,
	ended_at   INTEGER NOT NULL DEFAULT 0,
	reason     TEXT NOT NULL DEFAULT '',
	detail     TEXT NOT NULL DEFAULT '',
	CHECK (state = 'requested' OR owner = ''),
	CHECK ((state = 'requested') = (ended_at = 0)),
	CHECK ((state = 'failed') = (reason <> '')),
	CHECK (kind <> 'release' OR request IS NOT NULL AND item IS NOT NULL)
) STRICT;
CREATE INDEX jobs_due ON jobs (due_at) WHERE state = 'requested';
CREATE INDEX jobs_state ON jobs (state, created_at);
CREATE INDEX jobs_created ON jobs (created_at);
CREATE INDEX jobs_request ON jobs (request) WHERE request IS NOT NULL;

INSERT INTO tallies (name, n) VALUES ('request requested', 0), ('job requested', 0);
CREATE TRIGGER release_requests_insert AFTER INSERT ON release_requests WHEN new.state = 'requested' BEGIN
	UPDATE tallies SET n = n + 1 WHERE name = 'request requested';
END;
CREATE TRIGGER release_requests_ends AFTER UPDATE OF state ON release_requests WHEN old.state = 'requested' AND new.state <> 'requested' BEGIN
	UPDATE tallies SET n = n - 1 WHERE name = 'request requested';
END;
CREATE TRIGGER jobs_insert AFTER INSERT ON jobs BEGIN
	UPDATE tallies SET n = n + 1 WHERE name = 'job requested';
END;
CREATE TRIGGER jobs_ends AFTER UPDATE OF state ON jobs WHEN old.state = 'requested' AND new.state <> 'requested' BEGIN
	UPDATE tallies SET n = n - 1 WHERE name = 'job requested';
END;

-- What was asked and decided is never changed; only a reason may be erased.
CREATE TRIGGER decisions_fixed BEFORE UPDATE ON decisions
	WHEN new.reason <> '' AND new.reason <> old.reason OR old.request IS NOT new.request OR old.exception IS NOT new.exception OR old.pos <> new.pos
		OR old.choice <> new.choice OR old.actor <> new.actor OR old.person <> new.person OR old.on_behalf_of <> new.on_behalf_of
		OR old.step <> new.step OR old.at <> new.at OR old.basis <> new.basis OR old.also <> new.also
	BEGIN SELECT RAISE(ABORT, 'a decision is fixed'); END;
CREATE TRIGGER release_requests_fixed BEFORE UPDATE ON release_requests
	WHEN new.reason <> '' AND new.reason <> old.reason OR old.id <> new.id OR old.item <> new.item OR old.message <> new.message
		OR old.recipient <> new.recipient OR old.original <> new.original OR old.form <> new.form OR old.profile <> new.profile
		OR old.exception IS NOT new.exception OR old.requester <> new.requester OR old.person <> new.person OR old.dept <> new.dept
		OR old.persons <> new.persons OR old.requested_at <> new.requested_at OR old.expires_at <> new.expires_at
	BEGIN SELECT RAISE(ABORT, 'what was asked is fixed'); END;
CREATE TRIGGER exceptions_fixed BEFORE UPDATE ON exceptions
	WHEN old.id <> new.id OR old.scope <> new.scope OR old.reason <> new.reason OR old.from_at <> new.from_at OR old.until_at <> new.until_at
		OR old.max_uses <> new.max_uses OR old.proposer <> new.proposer OR old.person <> new.person OR new.uses < old.uses
	BEGIN SELECT RAISE(ABORT, 'an exception is fixed'); END;
CREATE TRIGGER decisions_kept_always BEFORE DELETE ON decisions
	BEGIN SELECT RAISE(ABORT, 'decisions are kept'); END;
CREATE TRIGGER release_requests_kept_always BEFORE DELETE ON release_requests
	BEGIN SELECT RAISE(ABORT, 'requests are kept'); END;
CREATE TRIGGER exceptions_kept_always BEFORE DELETE ON exceptions
	BEGIN SELECT RAISE(ABORT, 'exceptions are kept'); END;
CREATE TRIGGER jobs_kept_always BEFORE DELETE ON jobs
	BEGIN SELECT RAISE(ABORT, 'jobs are kept'); END;
