-- The prediction log, one partition a day, so that retention drops a partition and reads stay small.

CREATE TABLE model_predictions (
    prediction_id uuid NOT NULL,
    predicted_at  timestamptz NOT NULL,
    model_name    text NOT NULL,
    version       text NOT NULL,
    arm           text NOT NULL,
    entity_key    text,
    input         jsonb,
    output        jsonb,
    confidence    real,
    latency_ms    real NOT NULL,
    status        text NOT NULL CHECK (status IN ('ok', 'error', 'fallback')),
    error         text,
    label         jsonb,
    labelled_at   timestamptz,
    PRIMARY KEY (prediction_id, predicted_at)
) PARTITION BY RANGE (predicted_at);
CREATE INDEX predictions_recent ON model_predictions (model_name, predicted_at DESC);

CREATE FUNCTION ensure_prediction_partition(day date) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    part text := 'model_predictions_' || to_char(day, 'YYYYMMDD');
BEGIN
    IF to_regclass(part) IS NULL THEN
        -- Two deliverers may meet a new day at once; the lock makes the second find the table.
        PERFORM pg_advisory_xact_lock(hashtext(part));
        EXECUTE format(
            'CREATE TABLE IF NOT EXISTS %I PARTITION OF model_predictions
             FOR VALUES FROM (%L) TO (%L)',
            part,
            (day::timestamp AT TIME ZONE 'UTC'),
            ((day + 1)::timestamp AT TIME ZONE 'UTC'));
    END IF;
    RETURN part;
END $$;

CREATE FUNCTION drop_prediction_partitions(oldest_kept date) RETURNS SETOF text
LANGUAGE plpgsql AS $$
DECLARE
    part text;
BEGIN
    FOR part IN
        SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
        WHERE i.inhparent = 'model_predictions'::regclass
            AND c.relname < 'model_predictions_' || to_char(oldest_kept, 'YYYYMMDD')
        ORDER BY c.relname
    LOOP
        EXECUTE format('DROP TABLE %I', part);
        RETURN NEXT part;
    END LOOP;
END $$;
