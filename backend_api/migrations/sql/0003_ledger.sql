-- The ledger: append-only, hash-chained, one writer at a time.

CREATE FUNCTION ledger_canonical(l ledger) RETURNS text LANGUAGE sql STABLE AS $$
    -- jsonb prints the same value the same way each time, whatever the session's settings.
    SELECT jsonb_build_object(
        'seq', l.seq,
        'at', to_char(l.at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
        'actor', l.actor, 'action', l.action, 'model_name', l.model_name, 'version', l.version,
        'reason', l.reason, 'evidence', l.evidence, 'request_id', l.request_id)::text
$$;

CREATE FUNCTION ledger_chain() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    head ledger;
BEGIN
    -- Held until commit, so the chain cannot fork and seq follows commit order.
    PERFORM pg_advisory_xact_lock(hashtext('nivesh.ledger'));
    SELECT * INTO head FROM ledger ORDER BY seq DESC LIMIT 1;
    NEW.seq := coalesce(head.seq, 0) + 1;
    NEW.at := clock_timestamp();
    NEW.prev_hash := coalesce(head.hash, repeat('0', 64));
    NEW.hash := encode(
        sha256(convert_to(NEW.prev_hash || ledger_canonical(NEW), 'UTF8')), 'hex');
    RETURN NEW;
END $$;
CREATE TRIGGER ledger_chain BEFORE INSERT ON ledger FOR EACH ROW EXECUTE FUNCTION ledger_chain();

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only: % is refused; write a new row that corrects the old one',
        TG_TABLE_NAME, TG_OP USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE TRIGGER ledger_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER transitions_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON transitions
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
REVOKE UPDATE, DELETE, TRUNCATE ON ledger, transitions FROM PUBLIC, CURRENT_USER;
