-- What must hold however a row was written: by an operation, or by hand through psql.

CREATE FUNCTION hand_typed_waits() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    -- Operations lock their model before they look at it. A statement typed by hand says too late
    -- which model it means, so it locks them all: it is rare, and must not see half of a change.
    IF nivesh_actor() LIKE 'sql:%' AND pg_trigger_depth() = 1 THEN
        PERFORM 1 FROM models ORDER BY model_name FOR UPDATE;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER hand_typed_waits BEFORE INSERT OR UPDATE OR DELETE ON model_deployments
    FOR EACH STATEMENT EXECUTE FUNCTION hand_typed_waits();
CREATE TRIGGER hand_typed_waits BEFORE INSERT OR UPDATE OR DELETE ON model_registry
    FOR EACH STATEMENT EXECUTE FUNCTION hand_typed_waits();

CREATE FUNCTION registry_before() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    serving text;
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO models (model_name) VALUES (NEW.model_name) ON CONFLICT DO NOTHING;
    ELSIF (NEW.model_name, NEW.version) IS DISTINCT FROM (OLD.model_name, OLD.version) THEN
        RAISE EXCEPTION 'a version keeps its name: register % % as a new version instead',
            NEW.model_name, NEW.version USING ERRCODE = 'check_violation';
    ELSIF OLD.status = 'rejected' AND NEW.status <> 'rejected' THEN
        RAISE EXCEPTION '% % was rejected and stays so; register a new version instead',
            OLD.model_name, OLD.version USING ERRCODE = 'check_violation';
    END IF;
    -- (Production comes after canary in the alphabet too.)
    SELECT max(environment) INTO serving FROM model_deployments
        WHERE model_id = NEW.id AND environment <> 'staging' AND status = 'active';
    IF NEW.status = 'rejected' AND (serving IS NOT NULL OR EXISTS (
        SELECT 1 FROM model_routing WHERE production_id = NEW.id)) THEN
        RAISE EXCEPTION '% % serves traffic and cannot be rejected; roll it back first',
            NEW.model_name, NEW.version USING ERRCODE = 'check_violation';
    ELSIF NEW.status <> serving OR (serving IS NULL AND NEW.status IN ('canary', 'production')) THEN
        RAISE EXCEPTION '% % cannot be %: its status follows its rows in model_deployments (%)',
            NEW.model_name, NEW.version, NEW.status, coalesce(serving, 'none is active')
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER registry_before BEFORE INSERT OR UPDATE ON model_registry
    FOR EACH ROW EXECUTE FUNCTION registry_before();

CREATE FUNCTION registry_after() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    old_status text := CASE WHEN TG_OP = 'UPDATE' THEN OLD.status END;
BEGIN
    IF NEW.status IS DISTINCT FROM old_status THEN
        INSERT INTO transitions (model_id, from_status, to_status, actor)
        VALUES (NEW.id, old_status, NEW.status, nivesh_actor());
        INSERT INTO outbox (model_name) VALUES (NEW.model_name);
    END IF;
    IF NEW.status = 'rejected' THEN
        UPDATE model_deployments SET status = 'archived'
        WHERE model_id = NEW.id AND environment = 'staging' AND status = 'active';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER registry_after AFTER INSERT OR UPDATE ON model_registry
    FOR EACH ROW EXECUTE FUNCTION registry_after();

CREATE FUNCTION deployment_before() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    v model_registry;
BEGIN
    IF TG_OP = 'UPDATE'
        AND (NEW.model_id, NEW.environment) IS DISTINCT FROM (OLD.model_id, OLD.environment) THEN
        RAISE EXCEPTION 'a deployment keeps its version and its environment; insert another row'
            USING ERRCODE = 'check_violation';
    END IF;
    SELECT * INTO v FROM model_registry WHERE id = NEW.model_id;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'no such version in model_registry; register it before deploying it'
            USING ERRCODE = 'foreign_key_violation';
    END IF;
    NEW.model_name := v.model_name;
    NEW.updated_at := now();
    NEW.updated_by := nivesh_actor();
    IF NEW.status = 'active' AND v.status = 'rejected' THEN
        RAISE EXCEPTION '% % was rejected and cannot be deployed', v.model_name, v.version
            USING ERRCODE = 'check_violation';
    END IF;
    -- A version that goes to production is no longer its own canary. Hand-typed UPDATEs by
    -- model_id would otherwise revive a finished canary row beside the production one.
    IF TG_OP = 'UPDATE' AND NEW.environment <> 'production' AND NEW.status = 'active'
        AND OLD.status <> 'active' AND nivesh_actor() LIKE 'sql:%' AND pg_trigger_depth() = 1
        AND EXISTS (
            SELECT 1 FROM model_deployments
            WHERE model_id = NEW.model_id AND environment = 'production') THEN
        NEW.status := OLD.status;
        NEW.traffic_percentage := OLD.traffic_percentage;
    END IF;
    IF TG_OP = 'INSERT' THEN
        UPDATE model_deployments SET endpoint_url = NEW.endpoint_url, status = NEW.status,
            traffic_percentage = NEW.traffic_percentage
        WHERE model_id = NEW.model_id AND environment = NEW.environment;
        IF FOUND THEN
            RETURN NULL;
        END IF;
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER deployment_before BEFORE INSERT OR UPDATE ON model_deployments
    FOR EACH ROW EXECUTE FUNCTION deployment_before();

CREATE FUNCTION deployment_after() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    strongest text;
    becomes text;
BEGIN
    IF TG_OP = 'UPDATE' AND NEW.status = OLD.status THEN
        RETURN NULL;
    END IF;
    -- A row that ends says nothing of a version that serves elsewhere.
    SELECT max(environment) INTO strongest FROM model_deployments
        WHERE model_id = NEW.model_id AND status = 'active' AND environment <> 'staging';
    becomes := CASE
        WHEN strongest IS NOT NULL THEN strongest
        WHEN NEW.environment = 'staging' AND NEW.status = 'active' THEN 'staging'
        WHEN NEW.environment = 'staging' THEN 'registered'
        WHEN NEW.status = 'pending' AND TG_OP = 'INSERT' THEN NULL
        WHEN NEW.status = 'pending' THEN 'archived'
        ELSE NEW.status END;
    UPDATE model_registry r SET
        status = becomes,
        deployed_at = CASE WHEN becomes = 'production' THEN clock_timestamp()
            ELSE r.deployed_at END,
        aborted_at = CASE becomes WHEN 'rolled_back' THEN clock_timestamp()
            WHEN 'production' THEN NULL WHEN 'canary' THEN NULL ELSE r.aborted_at END,
        verified_at = CASE becomes WHEN 'rolled_back' THEN NULL ELSE r.verified_at END
    WHERE r.id = NEW.model_id AND becomes IS NOT NULL AND r.status <> becomes
        -- Only a version that is staged and no more falls back when its place is taken.
        AND (becomes <> 'registered' OR r.status = 'staging');
    IF NEW.environment <> 'staging' AND NEW.status = 'active' THEN
        -- In production it is no longer its own canary, and serving it is not staged besides.
        UPDATE model_deployments SET status = 'archived', traffic_percentage = 0
        WHERE model_id = NEW.model_id AND status = 'active' AND environment <> NEW.environment
            AND (NEW.environment = 'production' OR environment = 'staging');
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER deployment_after AFTER INSERT OR UPDATE ON model_deployments
    FOR EACH ROW EXECUTE FUNCTION deployment_after();

CREATE FUNCTION deployment_delete() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.status = 'active' THEN
        RAISE EXCEPTION 'an active deployment is not deleted; set its status to archived instead'
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN OLD;
END $$;
CREATE TRIGGER deployment_delete BEFORE DELETE ON model_deployments
    FOR EACH ROW EXECUTE FUNCTION deployment_delete();

CREATE FUNCTION record_hand_typed() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    was jsonb := CASE WHEN TG_OP <> 'INSERT' THEN to_jsonb(OLD) END;
    is_now jsonb := CASE WHEN TG_OP <> 'DELETE' THEN to_jsonb(NEW) END;
    subject jsonb := coalesce(is_now, was);
BEGIN
    -- Operations write their own ledger rows, and a trigger's own consequences are not typed.
    IF nivesh_actor() NOT LIKE 'sql:%' OR pg_trigger_depth() > 2
        OR (pg_trigger_depth() > 1 AND TG_TABLE_NAME <> 'model_deployments') THEN
        RETURN NULL;
    END IF;
    INSERT INTO ledger (actor, action, model_name, version, evidence)
    SELECT nivesh_actor(), 'sql.' || lower(TG_OP) || ' ' || TG_TABLE_NAME,
        subject ->> 'model_name',
        coalesce(subject ->> 'version', (SELECT version FROM model_registry
            WHERE id = (subject ->> 'model_id')::bigint)),
        jsonb_build_object('was', was, 'is', is_now);
    RETURN NULL;
END $$;
CREATE TRIGGER record_hand_typed AFTER INSERT OR UPDATE OR DELETE ON model_deployments
    FOR EACH ROW EXECUTE FUNCTION record_hand_typed();
CREATE TRIGGER record_hand_typed AFTER INSERT OR UPDATE OR DELETE ON model_registry
    FOR EACH ROW EXECUTE FUNCTION record_hand_typed();
CREATE TRIGGER record_hand_typed AFTER INSERT OR UPDATE OR DELETE ON models
    FOR EACH ROW EXECUTE FUNCTION record_hand_typed();
CREATE TRIGGER record_hand_typed AFTER INSERT OR UPDATE OR DELETE ON promotions
    FOR EACH ROW EXECUTE FUNCTION record_hand_typed();
