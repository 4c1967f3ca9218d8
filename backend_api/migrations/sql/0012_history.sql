-- What was decided at each moment: every routing and every hold, as it was compiled, for good.

-- The ledger rows of one transaction and the changes that it made carry the same start. It is not
-- part of a row's hash: it says which rows belong together, not what they say.
ALTER TABLE ledger ADD COLUMN transaction_at timestamptz;
ALTER TABLE ledger ALTER COLUMN transaction_at SET DEFAULT now();
CREATE INDEX ledger_by_transaction ON ledger (transaction_at);

CREATE TABLE routing_history (
    id             bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    model_name     text NOT NULL,
    at             timestamptz NOT NULL,
    transaction_at timestamptz NOT NULL DEFAULT now(),
    changed_by     text NOT NULL,
    -- What was found when the record began, and not a change: it may be older than its row.
    baseline       boolean NOT NULL DEFAULT false,
    epoch          bigint NOT NULL,
    -- Versions by their names, which never change.
    production     text,
    canary         text,
    canary_share   integer NOT NULL,
    target         text,
    degraded       text,
    fallback       boolean NOT NULL,
    shadow         text,
    shadow_share   integer NOT NULL,
    held_at        timestamptz,
    held_by        text,
    held_reason    text
);
CREATE INDEX routing_history_by_model ON routing_history (model_name, id);
CREATE TRIGGER routing_history_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON routing_history
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
REVOKE UPDATE, DELETE, TRUNCATE ON routing_history FROM PUBLIC, CURRENT_USER;

CREATE FUNCTION remember_routing(name text, moment timestamptz, who text, first boolean)
RETURNS void LANGUAGE sql AS $$
    INSERT INTO routing_history (model_name, at, changed_by, baseline, epoch, production, canary,
        canary_share, target, degraded, fallback, shadow, shadow_share, held_at, held_by,
        held_reason)
    SELECT m.model_name, moment, who, first, coalesce(d.epoch, 0), p.version, c.version,
        coalesce(d.canary_share, 0), t.version, d.degraded, coalesce(d.fallback, false),
        s.version, coalesce(d.shadow_share, 0), m.held_at, m.held_by, m.held_reason
    FROM models m LEFT JOIN model_routing d USING (model_name)
        LEFT JOIN model_registry p ON p.id = d.production_id
        LEFT JOIN model_registry c ON c.id = d.canary_id
        LEFT JOIN model_registry t ON t.id = d.target_id
        LEFT JOIN model_registry s ON s.id = d.shadow_id
    WHERE m.model_name = name
$$;

CREATE FUNCTION routing_remembered() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM remember_routing(NEW.model_name, NEW.changed_at, NEW.changed_by, false);
    RETURN NULL;
END $$;
CREATE TRIGGER routing_remembered AFTER UPDATE OF epoch ON model_routing FOR EACH ROW
    WHEN (OLD.epoch IS DISTINCT FROM NEW.epoch) EXECUTE FUNCTION routing_remembered();

CREATE FUNCTION hold_remembered() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM remember_routing(NEW.model_name, clock_timestamp(), nivesh_actor(), false);
    RETURN NULL;
END $$;
CREATE TRIGGER hold_remembered AFTER UPDATE OF held_at, held_by, held_reason ON models
    FOR EACH ROW
    WHEN ((OLD.held_at, OLD.held_by, OLD.held_reason)
        IS DISTINCT FROM (NEW.held_at, NEW.held_by, NEW.held_reason))
    EXECUTE FUNCTION hold_remembered();

SELECT remember_routing(m.model_name, clock_timestamp(),
    coalesce((SELECT changed_by FROM model_routing d WHERE d.model_name = m.model_name),
        'nobody'), true)
FROM models m;
