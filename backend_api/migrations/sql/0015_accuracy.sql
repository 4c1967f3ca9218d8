-- What answers turned out to be, counted by the hour of the prediction; and incidents.

-- Judged once, when the label comes: what an answer must equal is the catalogue's to say.
ALTER TABLE model_predictions
    ADD COLUMN correct     boolean,
    ADD COLUMN labelled_by text;
COMMENT ON COLUMN model_predictions.correct IS 'Whether the answer agrees with label.';
CREATE INDEX predictions_labelled ON model_predictions (model_name, predicted_at)
    INCLUDE (version, arm, confidence, correct) WHERE correct IS NOT NULL;

CREATE TABLE label_corrections (
    id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    prediction_id uuid NOT NULL,
    predicted_at  timestamptz NOT NULL,
    model_name    text NOT NULL,
    was           jsonb NOT NULL,
    label         jsonb NOT NULL,
    at            timestamptz NOT NULL,
    actor         text NOT NULL,
    request_id    uuid NOT NULL
);
COMMENT ON TABLE label_corrections IS
    'Labels that replaced another one; forgotten with the predictions that they are about.';
CREATE INDEX label_corrections_of ON label_corrections (prediction_id);
CREATE TRIGGER label_corrections_stay BEFORE UPDATE OR TRUNCATE ON label_corrections
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TABLE accuracy_hours (
    model_name  text NOT NULL,
    hour        timestamptz NOT NULL,
    version     text NOT NULL,
    bin         smallint NOT NULL,
    predictions bigint NOT NULL DEFAULT 0,
    confidence  double precision NOT NULL DEFAULT 0,
    labelled    bigint NOT NULL DEFAULT 0,
    correct     bigint NOT NULL DEFAULT 0 CHECK (correct BETWEEN 0 AND labelled),
    PRIMARY KEY (model_name, hour, version, bin)
);
COMMENT ON TABLE accuracy_hours IS
    'Answers of versions to users by hour and bin of confidence (its sum beside), -1 without one.';
CREATE TABLE accuracy_progress (
    model_name text PRIMARY KEY,
    counted_to timestamptz NOT NULL,
    looked_at  timestamptz NOT NULL
);

CREATE TABLE incidents (
    id              uuid PRIMARY KEY,
    model_name      text NOT NULL,
    kind            text NOT NULL,
    severity        text NOT NULL CHECK (severity IN ('critical', 'major', 'minor')),
    state           text NOT NULL
        CHECK (state IN ('triggered', 'acknowledged', 'mitigated', 'resolved', 'closed')),
    title           text NOT NULL,
    holds           boolean NOT NULL DEFAULT true,
    opened_at       timestamptz NOT NULL,
    opened_by       text NOT NULL,
    acknowledged_at timestamptz,
    acknowledged_by text,
    resolved_at     timestamptz,
    resolved_by     text,
    CHECK ((state IN ('resolved', 'closed')) = (resolved_at IS NOT NULL))
);
COMMENT ON COLUMN incidents.holds IS 'Whether what opened it was still so when last looked at.';
CREATE UNIQUE INDEX incidents_open ON incidents (model_name, kind)
    WHERE state NOT IN ('resolved', 'closed');
CREATE INDEX incidents_recent ON incidents (opened_at DESC, id);

CREATE TABLE incident_events (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    incident_id uuid NOT NULL REFERENCES incidents,
    occurred_at timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    actor       text NOT NULL,
    kind        text NOT NULL,
    sentence    text NOT NULL,
    evidence    jsonb NOT NULL DEFAULT '{}'
);
CREATE INDEX incident_events_of ON incident_events (incident_id, id);
CREATE TRIGGER incident_events_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON incident_events
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
REVOKE UPDATE, DELETE, TRUNCATE ON incident_events FROM PUBLIC, CURRENT_USER;
