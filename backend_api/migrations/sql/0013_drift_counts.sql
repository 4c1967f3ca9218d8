-- What predictions are counted into, and the counts: delivered with the log, in its transaction.

CREATE TABLE drift_profiles (
    model_name text NOT NULL REFERENCES models,
    version    text NOT NULL,
    -- A document of shared.profile; NULL: it was looked for, and the problem says why there is none.
    profile    jsonb,
    problem    text,
    origin     text NOT NULL CHECK (origin IN ('artefact', 'records', 'log')),
    made_by    text NOT NULL DEFAULT nivesh_actor(),
    made_at    timestamptz NOT NULL DEFAULT now(),
    -- Hours of the log that are still to be counted again; both NULL when none are.
    recount_from  timestamptz,
    recount_until timestamptz,
    PRIMARY KEY (model_name, version),
    CONSTRAINT profile_or_problem CHECK ((profile IS NULL) = (problem IS NOT NULL)),
    CONSTRAINT recount_is_whole CHECK ((recount_from IS NULL) = (recount_until IS NULL))
);
CREATE INDEX drift_recounts ON drift_profiles (recount_from) WHERE recount_from IS NOT NULL;

CREATE FUNCTION profile_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the reference of % % is set and stays', OLD.model_name, OLD.version;
END $$;
CREATE TRIGGER profile_stays BEFORE UPDATE OF profile ON drift_profiles FOR EACH ROW
    WHEN (OLD.profile IS NOT NULL AND NEW.profile IS DISTINCT FROM OLD.profile)
    EXECUTE FUNCTION profile_stays();

-- One row per delivery and hour, only ever inserted by inference; the watch folds them away.
CREATE TABLE drift_deltas (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    model_name text NOT NULL,
    version    text NOT NULL,
    hour       timestamptz NOT NULL,
    rows       bigint NOT NULL CHECK (rows > 0),
    -- int64, little endian, in the order of the profile's bins.
    counts     bytea NOT NULL
);
CREATE INDEX drift_deltas_by_version ON drift_deltas (model_name, version, hour);

-- The same per hour and, again, per day of UTC, so that a month is thirty rows.
CREATE TABLE drift_counts (
    model_name text NOT NULL,
    version    text NOT NULL,
    span       text NOT NULL CHECK (span IN ('hour', 'day')),
    at         timestamptz NOT NULL,
    rows       bigint NOT NULL CHECK (rows >= 0),
    counts     bytea NOT NULL,
    PRIMARY KEY (model_name, version, span, at)
);
ALTER TABLE drift_deltas ALTER COLUMN counts SET STORAGE EXTERNAL;
ALTER TABLE drift_counts ALTER COLUMN counts SET STORAGE EXTERNAL;
