-- A rehearsal asks every worker for answers of the version that a rollback would go to. Its id is
-- its job's.
CREATE TABLE rehearsals (
    id         uuid PRIMARY KEY REFERENCES jobs ON DELETE CASCADE,
    model_name text NOT NULL REFERENCES models,
    version    text NOT NULL,
    asked_by   text NOT NULL,
    asked_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
    -- Only while workers are asked: among them is what users sent, and that is kept in the log alone.
    questions  jsonb,
    ended_at   timestamptz,
    result     text CHECK (result IN ('pass', 'fail', 'unknown')),
    sentence   text NOT NULL DEFAULT '',
    -- From the asking to the last worker's answers; NULL unless all have answered.
    seconds    real,
    workers    jsonb NOT NULL DEFAULT '[]',
    CONSTRAINT end_is_whole CHECK ((ended_at IS NULL) = (result IS NULL)),
    CONSTRAINT questions_are_forgotten CHECK (ended_at IS NULL OR questions IS NULL)
);
CREATE INDEX rehearsals_newest ON rehearsals (model_name, asked_at DESC);

CREATE TABLE rehearsal_answers (
    rehearsal_id uuid NOT NULL REFERENCES rehearsals ON DELETE CASCADE,
    replica_id   text NOT NULL,
    answered_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    found        jsonb NOT NULL,
    PRIMARY KEY (rehearsal_id, replica_id)
);

-- When ``observed`` was last read whole; ``checked_at`` is also of a try that failed.
ALTER TABLE mirrors ADD COLUMN read_at timestamptz;
UPDATE mirrors SET read_at = checked_at WHERE error IS NULL;
