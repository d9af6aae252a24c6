-- Version 9: whom a follow-up mail leaves out.

-- Recipients that a decider added and whose mail has another policy.
ALTER TABLE release_requests ADD COLUMN left_out TEXT NOT NULL DEFAULT '[]' CHECK (json_type(left_out) = 'array');
