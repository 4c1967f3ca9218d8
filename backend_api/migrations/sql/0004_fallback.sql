-- Answers by rules instead of a version: decided on a model, compiled, acknowledged like the rest.

ALTER TABLE models
    ADD COLUMN fallback_at     timestamptz,
    ADD COLUMN fallback_by     text,
    ADD COLUMN fallback_reason text,
    ADD CONSTRAINT fallback_is_whole CHECK (
        (fallback_at IS NULL) = (fallback_by IS NULL)
        AND (fallback_at IS NULL) = (fallback_reason IS NULL));
ALTER TABLE model_routing ADD COLUMN fallback boolean NOT NULL DEFAULT false;
ALTER TABLE replica_models ADD COLUMN fallback boolean NOT NULL DEFAULT false;

CREATE OR REPLACE FUNCTION compile_routing(name text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    was model_routing;
    new_routing model_routing;
    active_production bigint;
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
    SELECT fallback_at IS NOT NULL INTO new_routing.fallback FROM models WHERE model_name = name;
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
        changed_at = clock_timestamp(), changed_by = nivesh_actor()
    WHERE model_name = name;
    INSERT INTO outbox (model_name) VALUES (name);
    PERFORM pg_notify('nivesh_routing',
        json_build_object('model', name, 'epoch', was.epoch + 1)::text);
END $$;

CREATE CONSTRAINT TRIGGER routing_changed AFTER UPDATE OF fallback_at ON models
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION routing_changed();
