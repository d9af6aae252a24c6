-- Version 8: who gave an account what it signs in with, and what two persons do.

-- The persons who gave the present password, or took the second factor, of an
-- account, a line each, and when. For a time such an account counts as each of
-- them (account.User.GivenBy).
ALTER TABLE users ADD COLUMN credential_by TEXT NOT NULL DEFAULT '';
ALTER TABLE users ADD COLUMN credential_at INTEGER NOT NULL DEFAULT 0 CHECK ((credential_by = '') = (credential_at = 0));

-- A proposal is about roles and mailboxes to be given, or about a reset. role is
-- their names, parted by spaces.
ALTER TABLE proposals ADD COLUMN act TEXT NOT NULL DEFAULT 'grant' CHECK (act IN ('grant', 'reset_factor', 'reset_password'));
ALTER TABLE proposals ADD COLUMN addresses TEXT NOT NULL DEFAULT '[]' CHECK (json_type(addresses) = 'array');

-- Proofs of identity that did not succeed, one after the other. They count for the
-- session that made them and for nobody else.
ALTER TABLE sessions ADD COLUMN failed INTEGER NOT NULL DEFAULT 0 CHECK (failed >= 0);

-- Attempts are counted by a keyed digest of the name from now on; digests without a
-- key could be guessed. What was counted until now is forgotten once.
DELETE FROM attempts WHERE key LIKE 'name:%';
