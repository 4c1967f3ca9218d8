-- Desired state, compiled at commit: one row per model, an epoch that counts its changes.

CREATE FUNCTION rollback_target(name text, serving bigint) RETURNS bigint
LANGUAGE sql STABLE AS $$
    -- Last version that was verified good in production, never one that was rolled back. That it
    -- is staged once more does not make it a worse way back.
    SELECT id FROM model_registry
    WHERE model_name = name AND id IS DISTINCT FROM serving
        AND status IN ('archived', 'staging', 'validated')
        AND verified_at IS NOT NULL AND aborted_at IS NULL
    ORDER BY deployed_at DESC LIMIT 1
$$;

CREATE FUNCTION routing_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' OR (nivesh_actor() LIKE 'sql:%' AND pg_trigger_depth() = 1) THEN
        RAISE EXCEPTION 'model_routing is compiled from model_deployments; change a row there'
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    IF TG_OP = 'UPDATE' THEN
        OLD.observed_epoch := NEW.observed_epoch;
        IF NEW IS DISTINCT FROM OLD AND NEW.epoch <= OLD.epoch THEN
            RAISE EXCEPTION 'the epoch of % only rises: % after %',
                NEW.model_name, NEW.epoch, OLD.epoch USING ERRCODE = 'check_violation';
        END IF;
    END IF;
    RETURN coalesce(NEW, OLD);
END $$;
CREATE TRIGGER routing_guard BEFORE INSERT OR UPDATE OR DELETE ON model_routing
    FOR EACH ROW EXECUTE FUNCTION routing_guard();

CREATE FUNCTION compile_routing(name text) RETURNS void LANGUAGE plpgsql AS $$
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
        salt = new_routing.salt, degraded = new_routing.degraded,
        changed_at = clock_timestamp(), changed_by = nivesh_actor()
    WHERE model_name = name;
    INSERT INTO outbox (model_name) VALUES (name);
    PERFORM pg_notify('nivesh_routing',
        json_build_object('model', name, 'epoch', was.epoch + 1)::text);
END $$;

CREATE FUNCTION routing_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        PERFORM compile_routing(OLD.model_name);
    ELSE
        PERFORM compile_routing(NEW.model_name);
    END IF;
    RETURN NULL;
END $$;
-- Deferred: a transaction of several statements is compiled once it is whole.
CREATE CONSTRAINT TRIGGER routing_changed
    AFTER INSERT OR UPDATE OR DELETE ON model_deployments
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION routing_changed();
CREATE CONSTRAINT TRIGGER routing_changed
    AFTER UPDATE OF status, verified_at, aborted_at ON model_registry
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION routing_changed();
