"""The one file of inference that speaks to PostgreSQL."""

import json
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import orjson
import psycopg
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from inference.drift import Key, References, Unreadable
from inference.routing import Wanted

ROUTING, ADMIN = "nivesh_routing", "nivesh_admin"
# The record itself is wrong (or nested too deeply); trying it again would fail again.
REFUSALS = (
    psycopg.DataError, psycopg.IntegrityError, psycopg.errors.StatementTooComplex, Unreadable,
)  # fmt: skip
# Everything else is the database's trouble, a missing migration too, and passes.
OUTAGES = (psycopg.Error, OSError)

Connection = psycopg.Connection[dict[str, Any]]


def reason(error: BaseException) -> str:
    """What went wrong, without what PostgreSQL quotes: values, and the line it was about."""
    said = error.diag.message_primary if isinstance(error, psycopg.Error) else None
    return (said or str(error)).partition(': "')[0].strip()[:200]


_VERSION = """(SELECT json_build_object('version', r.version, 'digest', r.artifact_digest,
    'uri', coalesce(r.artifact_uri, 'models:/' || r.model_name || '/' || r.mlflow_version))
    FROM model_registry r WHERE r.id = {})"""
_WANTED = f"""
SELECT d.model_name, d.epoch, d.canary_share AS share, d.salt, d.degraded,
    d.fallback, d.shadow_share, d.shadow_salt,
    {_VERSION.format("d.production_id")} AS production,
    {_VERSION.format("d.canary_id")} AS canary,
    {_VERSION.format("d.target_id")} AS target,
    {_VERSION.format("d.shadow_id")} AS shadow,
    ARRAY(SELECT {_VERSION.format("s.id")} FROM unnest(d.staging_ids) AS s(id)) AS staged
FROM model_routing d
"""
_ANNOUNCE = """
INSERT INTO replicas (replica_id, host, pid) VALUES (%(replica)s, %(host)s, %(pid)s)
ON CONFLICT (replica_id) DO UPDATE SET host = excluded.host, pid = excluded.pid,
    started_at = now(), heartbeat_at = now(), stopped_at = NULL
"""
_ACKNOWLEDGE = """
INSERT INTO replica_models (replica_id, model_name, epoch, production_version, canary_version,
    canary_share, fallback, shadow_version, shadow_share, loaded, error, acknowledged_at)
VALUES (%(replica)s, %(model)s, %(epoch)s, %(production)s, %(canary)s, %(share)s, %(fallback)s,
    %(shadow)s, %(shadow_share)s, %(loaded)s, %(error)s, clock_timestamp())
ON CONFLICT (replica_id, model_name) DO UPDATE SET epoch = excluded.epoch,
    production_version = excluded.production_version, canary_version = excluded.canary_version,
    canary_share = excluded.canary_share, fallback = excluded.fallback,
    shadow_version = excluded.shadow_version, shadow_share = excluded.shadow_share,
    loaded = excluded.loaded,
    error = excluded.error, acknowledged_at = excluded.acknowledged_at
"""
# Which lines were inserted is only asked where some were not. Hours whose records are older than
# the watch surely looks back (accuracy.LATE) are noted, for it to count them again.
_DELIVER = """
WITH fresh AS (
INSERT INTO model_predictions (prediction_id, predicted_at, model_name, version, arm, entity_key,
    input, output, confidence, latency_ms, status, error, twin_id, twin_latency_ms, agrees,
    confidence_difference)
SELECT (doc ->> 'id')::uuid,
    timestamptz 'epoch' + (doc ->> 'at')::bigint * interval '1 microsecond',
    doc ->> 'model', doc ->> 'version', doc ->> 'arm', doc ->> 'key',
    nullif(doc -> 'input', 'null'),
    nullif(doc -> 'output', 'null'), (doc ->> 'confidence')::real, (doc ->> 'ms')::real,
    doc ->> 'status', doc ->> 'error', (doc ->> 'twin')::uuid, (doc ->> 'twin_ms')::real,
    (doc ->> 'agrees')::boolean, (doc ->> 'apart')::real
FROM incoming_predictions
ON CONFLICT DO NOTHING
RETURNING prediction_id, predicted_at, model_name),
late AS (
INSERT INTO accuracy_late
SELECT DISTINCT model_name, date_trunc('hour', predicted_at, 'UTC') FROM fresh
WHERE predicted_at < now() - interval '10 minutes')
SELECT count(*)::int AS number, CASE WHEN count(*) < (SELECT count(*) FROM incoming_predictions)
    THEN coalesce(array_agg(prediction_id::text), '{}') END AS ids FROM fresh
"""
# Held until the delivery is committed: who counts a version's past again, once its reference is
# there, first waits for the deliveries that did not know it.
_REFERENCE_LOCK = "SELECT pg_advisory_xact_lock_shared(hashtext('nivesh.drift_profiles'))"
_REFERENCE = """
SELECT profile FROM drift_profiles
WHERE model_name = %s AND version = %s AND profile IS NOT NULL
"""
_COUNT = """
INSERT INTO drift_deltas (model_name, version, hour, rows, counts)
VALUES (%(model)s, %(version)s, %(hour)s, %(rows)s, %(counts)s)
"""
_PARTITIONS = """
SELECT ensure_prediction_partition(day) FROM (
    SELECT DISTINCT ((timestamptz 'epoch' + (doc ->> 'at')::bigint * interval '1 microsecond')
        AT TIME ZONE 'UTC')::date AS day
    FROM incoming_predictions) days
"""
# JSON holds no control characters, so with these two as quote and delimiter each line is one value.
_COPY = r"""COPY incoming_predictions FROM STDIN
    (FORMAT csv, QUOTE E'\x01', ESCAPE E'\x01', DELIMITER E'\x02', ENCODING 'UTF8')"""


@dataclass(frozen=True)
class Acknowledgement:
    """What a worker serves of one model, as ``replica_models`` holds it."""

    model: str
    epoch: int
    production: str | None
    canary: str | None
    share: int
    fallback: bool
    shadow: str | None
    shadow_share: int
    loaded: dict[str, dict[str, Any]]
    error: str | None


def connect(url: str, purpose: str) -> Connection:
    """A connection in autocommit mode that notices within seconds that the server is gone."""
    return psycopg.connect(
        url, autocommit=True, row_factory=dict_row, connect_timeout=3, tcp_user_timeout=5000,
        application_name=f"nivesh-inference {purpose}",
        options="-c statement_timeout=20000",
    )  # fmt: skip


def wanted(connection: Connection) -> list[Wanted]:
    """What every worker should serve, of one moment."""
    return [Wanted.model_validate(row) for row in connection.execute(_WANTED)]


class Ear:
    """Hears what is announced on a connection, also in the middle of another statement."""

    def __init__(self, connection: Connection) -> None:
        self._pgconn = connection.pgconn
        self._inbox: deque[tuple[str, str]] = deque()
        connection.add_notify_handler(lambda n: self._inbox.append((n.channel, n.payload)))
        connection.execute(f"LISTEN {ROUTING}")
        connection.execute(f"LISTEN {ADMIN}")

    def has_news(self) -> bool:
        """Whether something was announced; never waits."""
        # What came behind a statement's answer is in the driver's buffer, where select cannot see.
        self._pgconn.consume_input()
        while found := self._pgconn.notifies():
            self._inbox.append((found.relname.decode(), found.extra.decode()))
        return bool(self._inbox)

    def heard(self) -> list[tuple[str, dict[str, Any]]]:
        """Channel and content of all that was announced since the last call."""
        self.has_news()
        taken = list(self._inbox)
        self._inbox.clear()
        return [(channel, _content(payload)) for channel, payload in taken]


def _content(payload: str) -> dict[str, Any]:
    # Anybody may notify; what cannot be understood still means: look.
    try:
        content = json.loads(payload)
    except ValueError:
        return {}
    return content if isinstance(content, dict) else {}


def tell(connection: Connection, content: dict[str, Any]) -> None:
    """Ask all workers on this database for something."""
    connection.execute("SELECT pg_notify(%s, %s)", (ADMIN, json.dumps(content)))


def announce(connection: Connection, replica: str, host: str, pid: int) -> None:
    """Begin this life of a worker; what an earlier one acknowledged is void."""
    with connection.transaction():
        connection.execute(_ANNOUNCE, {"replica": replica, "host": host, "pid": pid})
        connection.execute("DELETE FROM replica_models WHERE replica_id = %s", (replica,))


def beat(connection: Connection, replica: str, pid: int, memory: int) -> bool:
    """Say that this worker lives and holds so many bytes.

    False when its row is gone or another life's.
    """
    done = connection.execute(
        "UPDATE replicas SET heartbeat_at = now(), memory_bytes = %s WHERE replica_id = %s"
        " AND pid = %s AND stopped_at IS NULL",
        (memory, replica, pid),
    )
    return done.rowcount == 1


def farewell(connection: Connection, replica: str, pid: int) -> None:
    """Say that this worker stops."""
    connection.execute(
        "UPDATE replicas SET stopped_at = now() WHERE replica_id = %s AND pid = %s", (replica, pid)
    )


def acknowledge(connection: Connection, replica: str, seen: Iterable[Acknowledgement]) -> None:
    """Say what this worker serves."""
    with connection.transaction():
        for one in seen:
            connection.execute(
                _ACKNOWLEDGE,
                {
                    "replica": replica, "model": one.model, "epoch": one.epoch,
                    "production": one.production, "canary": one.canary, "share": one.share,
                    "fallback": one.fallback, "shadow": one.shadow,
                    "shadow_share": one.shadow_share,
                    "loaded": Jsonb(one.loaded), "error": one.error,
                },
            )  # fmt: skip


def rehearsal(
    connection: Connection, rehearsal_id: str, replica: str
) -> tuple[str, str, dict[str, Any]] | None:
    """Model, version and questions; None when it is over or this worker has answered."""
    row = connection.execute(
        "SELECT model_name, version, questions FROM rehearsals r"
        " WHERE id::text = %s AND questions IS NOT NULL AND NOT EXISTS (SELECT 1"
        "  FROM rehearsal_answers a WHERE a.rehearsal_id = r.id AND a.replica_id = %s)",
        (rehearsal_id, replica),
    ).fetchone()
    return (row["model_name"], row["version"], row["questions"]) if row else None


def answer_rehearsal(
    connection: Connection, rehearsal_id: str, replica: str, found: dict[str, Any]
) -> None:
    """Say what this worker's version answered."""
    connection.execute(
        "INSERT INTO rehearsal_answers (rehearsal_id, replica_id, found)"
        " SELECT id, %s, %s::jsonb FROM rehearsals WHERE id::text = %s AND questions IS NOT NULL"
        " ON CONFLICT DO NOTHING",
        (replica, orjson.dumps(found).decode(), rehearsal_id),
    )


def deliver(connection: Connection, lines: bytes, references: References) -> int:
    """Put whole spool lines into the prediction log, and those that were not there yet into the
    counts of drift; how many those are.

    One transaction: all or none. Raises REFUSALS when a line is wrong.
    """
    with connection.transaction(), connection.cursor() as cursor:
        cursor.execute(
            "CREATE TEMPORARY TABLE IF NOT EXISTS incoming_predictions (doc jsonb)"
            " ON COMMIT DELETE ROWS"
        )
        with cursor.copy(_COPY) as copy:
            copy.write(lines)
        if cursor.rowcount != lines.count(b"\n"):
            raise Unreadable("not each line is one value")
        cursor.execute(_PARTITIONS)
        fresh = cursor.execute(_DELIVER).fetchone()
        assert fresh is not None
        if fresh["number"]:
            _count(cursor, lines, fresh["ids"], references)
        return int(fresh["number"])


def _count(
    cursor: psycopg.Cursor[dict[str, Any]],
    lines: bytes,
    fresh: list[str] | None,
    references: References,
) -> None:
    def find(key: Key) -> dict[str, Any] | None:
        cursor.execute(_REFERENCE_LOCK)
        row = cursor.execute(_REFERENCE, key).fetchone()
        return row["profile"] if row else None

    if deltas := references.deltas(lines, fresh, find):
        cursor.executemany(_COUNT, [vars(delta) for delta in deltas])
