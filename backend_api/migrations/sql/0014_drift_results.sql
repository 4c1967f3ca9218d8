-- What the watch found each day, kept for good, and what people said of its alarms.

CREATE TABLE drift_results (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    model_name  text NOT NULL,
    version     text NOT NULL,
    -- Of UTC; the day alone made what was seen, the days before it as well the state.
    day         date NOT NULL,
    judged_at   timestamptz NOT NULL,
    rows        bigint NOT NULL CHECK (rows >= 0),
    seen        text NOT NULL CHECK (seen IN ('none', 'insufficient', 'medium', 'high')),
    state       text NOT NULL CHECK (state IN ('none', 'insufficient', 'medium', 'high')),
    changed     boolean NOT NULL,
    quality     text NOT NULL CHECK (quality IN ('ok', 'degraded', 'unknown')),
    sentence    text NOT NULL,
    prediction  double precision,
    input       double precision,
    worst       text,
    worst_score double precision,
    text_score  double precision,
    -- Every feature's numbers, and the odd values that were found.
    evidence    jsonb NOT NULL,
    true_alarm  boolean,
    told_by     text,
    told_at     timestamptz,
    told_why    text,
    UNIQUE (model_name, version, day),
    CONSTRAINT only_alarms_are_judged
        CHECK (true_alarm IS NULL OR (changed AND state IN ('medium', 'high'))),
    CONSTRAINT told_whole CHECK ((true_alarm IS NULL) = (told_by IS NULL)
        AND (true_alarm IS NULL) = (told_at IS NULL) AND (true_alarm IS NULL) = (told_why IS NULL))
);
CREATE INDEX drift_results_of_model ON drift_results (model_name, id DESC);
CREATE INDEX drift_results_told ON drift_results (model_name, true_alarm)
    WHERE true_alarm IS NOT NULL;
