-- Version 3: accounts, and what the REST interface asks for. Rules about them
-- are those of gateway/account.

CREATE TABLE departments (
	id   TEXT PRIMARY KEY CHECK (id <> ''),
	name TEXT NOT NULL CHECK (name <> '')
) STRICT, WITHOUT ROWID;

-- Secrets are digests, save the key of a second factor. recovery is the digests
-- of unused codes, one behind the other.
CREATE TABLE users (
	id               TEXT PRIMARY KEY CHECK (id <> ''),
	name             TEXT NOT NULL UNIQUE CHECK (name <> ''),
	display          TEXT NOT NULL CHECK (display <> ''),
	dept             TEXT REFERENCES departments (id),
	addresses        TEXT NOT NULL CHECK (json_type(addresses) = 'array'),
	roles            TEXT NOT NULL CHECK (json_array_length(roles) > 0),
	state            TEXT NOT NULL CHECK (state IN ('active', 'disabled')),
	password         TEXT NOT NULL,
	long             INTEGER NOT NULL CHECK (long IN (0, 1)),
	must_change      INTEGER NOT NULL CHECK (must_change IN (0, 1)),
	factor_secret    BLOB NOT NULL,
	factor_confirmed INTEGER NOT NULL CHECK (factor_confirmed IN (0, 1)),
	factor_step      INTEGER NOT NULL,
	recovery         BLOB NOT NULL CHECK (length(recovery) % 32 = 0),
	created_at       INTEGER NOT NULL,
	changed_at       INTEGER NOT NULL,
	last_sign_in     INTEGER NOT NULL,
	version          INTEGER NOT NULL CHECK (version > 0),
	CHECK (factor_confirmed = 0 OR length(factor_secret) >= 16)
) STRICT;
CREATE INDEX users_dept ON users (dept, name) WHERE dept IS NOT NULL;
-- Records name users by id for years: an account is disabled, not deleted.
CREATE TRIGGER users_kept_always BEFORE DELETE ON users
	BEGIN SELECT RAISE(ABORT, 'users are kept'); END;

CREATE TABLE deputies (
	id       TEXT PRIMARY KEY CHECK (id <> ''),
	for_user TEXT NOT NULL REFERENCES users (id),
	by_user  TEXT NOT NULL REFERENCES users (id),
	from_at  INTEGER NOT NULL,
	until_at INTEGER NOT NULL,
	set_by   TEXT NOT NULL CHECK (set_by <> ''),
	ended_at INTEGER NOT NULL,
	CHECK (for_user <> by_user AND from_at < until_at)
) STRICT;
CREATE INDEX deputies_open ON deputies (until_at) WHERE ended_at = 0;

CREATE TABLE proposals (
	id         TEXT PRIMARY KEY CHECK (id <> ''),
	user       TEXT NOT NULL REFERENCES users (id),
	role       TEXT NOT NULL,
	proposer   TEXT NOT NULL CHECK (proposer <> ''),
	proposed   TEXT NOT NULL,
	at         INTEGER NOT NULL,
	expires_at INTEGER NOT NULL,
	state      TEXT NOT NULL CHECK (state IN ('open', 'confirmed', 'withdrawn', 'lapsed')),
	decided_by TEXT NOT NULL,
	decided_at INTEGER NOT NULL,
	CHECK (state <> 'confirmed' OR (decided_by NOT IN ('', proposer, user) AND decided_at <> 0))
) STRICT;
CREATE INDEX proposals_open ON proposals (at) WHERE state = 'open';

CREATE TABLE sessions (
	id         TEXT PRIMARY KEY CHECK (id <> ''),
	sum        BLOB NOT NULL UNIQUE CHECK (length(sum) = 32),
	user       TEXT NOT NULL REFERENCES users (id),
	auth       TEXT NOT NULL,
	ip         TEXT NOT NULL,
	agent      TEXT NOT NULL,
	created_at INTEGER NOT NULL,
	seen_at    INTEGER NOT NULL,
	proved_at  INTEGER NOT NULL
) STRICT;
CREATE INDEX sessions_user ON sessions (user, created_at);
CREATE INDEX sessions_created ON sessions (created_at);

CREATE TABLE api_tokens (
	id         TEXT PRIMARY KEY CHECK (id <> ''),
	sum        BLOB NOT NULL UNIQUE CHECK (length(sum) = 32),
	user       TEXT NOT NULL REFERENCES users (id),
	name       TEXT NOT NULL,
	scopes     TEXT NOT NULL CHECK (json_array_length(scopes) > 0),
	created_at INTEGER NOT NULL,
	expires_at INTEGER NOT NULL,
	used_at    INTEGER NOT NULL
) STRICT;
CREATE INDEX api_tokens_user ON api_tokens (user, created_at);

-- Sign-ins that did not succeed, by the digest of a name or by address.
CREATE TABLE attempts (
	key      TEXT PRIMARY KEY,
	n        INTEGER NOT NULL CHECK (n > 0),
	last_at  INTEGER NOT NULL,
	until_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Answers to requests with an Idempotency-Key, for a day.
CREATE TABLE answers (
	who     TEXT NOT NULL,
	key     TEXT NOT NULL,
	request BLOB NOT NULL CHECK (length(request) = 32),
	status  INTEGER NOT NULL, -- 0 while the request is under way
	header  TEXT NOT NULL,
	body    BLOB NOT NULL,
	at      INTEGER NOT NULL,
	PRIMARY KEY (who, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX answers_at ON answers (at);

-- Whose mail is whose, newest last: the list of one's own mails is a step in an
-- index, whatever the number of mails.
CREATE TABLE message_recipients (
	address TEXT NOT NULL,
	n       INTEGER NOT NULL REFERENCES messages (n),
	PRIMARY KEY (address, n)
) STRICT, WITHOUT ROWID;
INSERT OR IGNORE INTO message_recipients (address, n) SELECT lower(t.value), m.n FROM messages m, json_each(m.forward_paths) t;
CREATE TRIGGER messages_recipients AFTER INSERT ON messages BEGIN
	INSERT OR IGNORE INTO message_recipients (address, n) SELECT lower(value), new.n FROM json_each(new.forward_paths);
END;

-- Likewise for held parts.
CREATE INDEX items_whose ON items (lower(recipient));
