-- A version in the shadow: it is asked a share of what others answer, and nobody gets its answers.

ALTER TABLE models
    ADD COLUMN shadow_id    bigint REFERENCES model_registry,
    ADD COLUMN shadow_share integer NOT NULL DEFAULT 0 CHECK (shadow_share BETWEEN 0 AND 100),
    ADD COLUMN shadow_at    timestamptz,
    ADD COLUMN shadow_by    text,
    ADD CONSTRAINT shadow_is_whole CHECK (
        (shadow_id IS NULL) = (shadow_at IS NULL) AND (shadow_id IS NULL) = (shadow_by IS NULL)
        AND (shadow_id IS NULL) = (shadow_share = 0));
ALTER TABLE model_routing
    ADD COLUMN shadow_id    bigint REFERENCES model_registry,
    ADD COLUMN shadow_share integer NOT NULL DEFAULT 0 CHECK (shadow_share BETWEEN 0 AND 100),
    ADD COLUMN shadow_salt  text NOT NULL DEFAULT '';
ALTER TABLE replica_models
    ADD COLUMN shadow_version text,
    ADD COLUMN shadow_share   integer NOT NULL DEFAULT 0;

-- Rows of arm 'shadow' only: the prediction that the same request was answered with, and how the
-- two compare. ``agrees`` is null where the shadow failed.
ALTER TABLE model_predictions
    ADD COLUMN twin_id               uuid,
    ADD COLUMN twin_latency_ms       real,
    ADD COLUMN agrees                boolean,
    ADD COLUMN confidence_difference real;
CREATE INDEX predictions_shadow ON model_predictions (model_name, version, predicted_at DESC)
    WHERE arm = 'shadow';

CREATE FUNCTION shadow_ends() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    -- For good: a version that is rolled back later does not return to the shadow by itself.
    UPDATE models SET shadow_id = NULL, shadow_share = 0, shadow_at = NULL, shadow_by = NULL
        WHERE shadow_id = NEW.id;
    RETURN NULL;
END $$;
CREATE TRIGGER shadow_ends AFTER UPDATE OF status ON model_registry FOR EACH ROW
    WHEN (NEW.status IN ('production', 'canary', 'rejected')) EXECUTE FUNCTION shadow_ends();

CREATE OR REPLACE FUNCTION compile_routing(name text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    was model_routing;
    new_routing model_routing;
    active_production bigint;
    beside models;
BEGIN
    INSERT INTO model_routing (model_name, epoch) VALUES (name, 0) ON CONFLICT DO NOTHING;
    -- The lock comes first: each statement after it reads what the last holder committed.
    SELECT * INTO was FROM model_routing WHERE model_name = name FOR UPDATE;
    new_routing := was;
    SELECT model_id INTO active_production FROM model_deployments
        WHERE model_name = name AND environment = 'production' AND status = 'active';
    new_routing.production_id := coalesce(active_production, was.production_id);
    new_routing.degraded := CASE
        WHEN active_production IS NULL AND was.production_id IS NOT NULL
        THEN 'no active production row: the last good version keeps serving' END;
    SELECT model_id, traffic_percentage INTO new_routing.canary_id, new_routing.canary_share
        FROM model_deployments
        WHERE model_name = name AND environment = 'canary' AND status = 'active'
            AND model_id IS DISTINCT FROM new_routing.production_id;
    new_routing.canary_share := coalesce(new_routing.canary_share, 0);
    new_routing.staging_ids := ARRAY(SELECT model_id FROM model_deployments
        WHERE model_name = name AND environment = 'staging' AND status = 'active'
        ORDER BY model_id);
    new_routing.target_id := rollback_target(name, new_routing.production_id);
    SELECT * INTO beside FROM models WHERE model_name = name;
    new_routing.fallback := beside.fallback_at IS NOT NULL;
    new_routing.shadow_id := beside.shadow_id;
    new_routing.shadow_share := beside.shadow_share;
    IF new_routing.shadow_id IS DISTINCT FROM was.shadow_id THEN
        -- Its own salt: whom a canary meets must not decide whom the shadow sees.
        new_routing.shadow_salt := CASE WHEN new_routing.shadow_id IS NULL THEN ''
            ELSE name || '.shadow.' || (was.epoch + 1) END;
    END IF;
    IF new_routing.canary_id IS DISTINCT FROM was.canary_id THEN
        -- A salt per rollout, or the same people would always be the first to try.
        new_routing.salt := CASE WHEN new_routing.canary_id IS NULL THEN ''
            ELSE name || '.' || (was.epoch + 1) END;
    END IF;
    IF new_routing IS NOT DISTINCT FROM was THEN
        RETURN;
    END IF;
    UPDATE model_routing SET
        epoch = was.epoch + 1, production_id = new_routing.production_id,
        canary_id = new_routing.canary_id, canary_share = new_routing.canary_share,
        staging_ids = new_routing.staging_ids, target_id = new_routing.target_id,
        fallback = new_routing.fallback, salt = new_routing.salt, degraded = new_routing.degraded,
        shadow_id = new_routing.shadow_id, shadow_share = new_routing.shadow_share,
        shadow_salt = new_routing.shadow_salt,
        changed_at = clock_timestamp(), changed_by = nivesh_actor()
    WHERE model_name = name;
    INSERT INTO outbox (model_name) VALUES (name);
    PERFORM pg_notify('nivesh_routing',
        json_build_object('model', name, 'epoch', was.epoch + 1)::text);
END $$;

DROP TRIGGER routing_changed ON models;
CREATE CONSTRAINT TRIGGER routing_changed
    AFTER UPDATE OF fallback_at, shadow_id, shadow_share ON models
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION routing_changed();
