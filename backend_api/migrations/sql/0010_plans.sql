-- A rollout keeps the plan that it began with, says when its next step is due, and who moved it.

ALTER TABLE rollouts
    ADD COLUMN kind         text NOT NULL DEFAULT 'up' CHECK (kind IN ('up', 'down')),
    ADD COLUMN plan         jsonb,
    ADD COLUMN due_at       timestamptz,
    ADD COLUMN revision     bigint NOT NULL DEFAULT 0,
    ADD COLUMN promotion_id uuid REFERENCES promotions,
    DROP CONSTRAINT rollouts_state_check,
    ADD CONSTRAINT rollouts_state_check
        CHECK (state IN ('running', 'paused', 'completed', 'aborted', 'superseded'));
-- What models.yaml has where nobody changed it; a lead may set another for one under way.
UPDATE rollouts SET plan = '{"steps": [10, 50, 100], "minutes": 1440, "min_requests": 1000,
    "patience_minutes": 1440, "on_bad": "roll_back"}';
ALTER TABLE rollouts ALTER COLUMN plan SET NOT NULL;

CREATE TABLE rollout_steps (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    rollout_id uuid NOT NULL REFERENCES rollouts,
    at         timestamptz NOT NULL,
    actor      text NOT NULL,
    what       text NOT NULL,
    state      text NOT NULL,
    share      int NOT NULL,
    reason     text NOT NULL
);
CREATE INDEX rollout_steps_of ON rollout_steps (rollout_id, id);
INSERT INTO rollout_steps (rollout_id, at, actor, what, state, share, reason)
SELECT id, started_at, started_by, 'begin', 'running', share, '' FROM rollouts;

CREATE FUNCTION rollout_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'a rollout that is % stays so; begin another one', OLD.state
        USING ERRCODE = 'check_violation';
END $$;
CREATE TRIGGER rollout_guard BEFORE UPDATE ON rollouts FOR EACH ROW
    WHEN (OLD.ended_at IS NOT NULL) EXECUTE FUNCTION rollout_guard();

ALTER TABLE promotions
    ADD COLUMN plan      jsonb,
    ADD COLUMN supersede boolean NOT NULL DEFAULT false;
