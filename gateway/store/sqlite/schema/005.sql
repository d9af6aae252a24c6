-- Version 5: how far the work on a long document has come, for people who look.

-- What a holder noted counts while work_fence is the row's fence.
ALTER TABLE messages ADD COLUMN work_part TEXT NOT NULL DEFAULT '';
ALTER TABLE messages ADD COLUMN work_page INTEGER NOT NULL DEFAULT 0 CHECK (work_page >= 0);
ALTER TABLE messages ADD COLUMN work_pages INTEGER NOT NULL DEFAULT 0 CHECK (work_pages >= work_page);
ALTER TABLE messages ADD COLUMN work_fence INTEGER NOT NULL DEFAULT 0;
