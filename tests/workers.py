"""Inference workers as the database knows them: rows that say what each serves."""

from dataclasses import dataclass

from sqlalchemy import Engine, text

from tests.makers import INTENT


@dataclass(frozen=True)
class Workers:
    """Rows of ``replicas`` and what they acknowledged for one model."""

    engine: Engine
    model: str = INTENT

    def live(self, *names: str) -> None:
        """These beat now."""
        for name in names:
            self._run(
                "INSERT INTO replicas (replica_id, host, pid, memory_bytes)"
                " VALUES (:name, :name, 1, 212000000)"
                " ON CONFLICT (replica_id) DO UPDATE SET heartbeat_at = now(), stopped_at = NULL,"
                " memory_bytes = 212000000",
                name=name,
            )

    def beat(self) -> None:
        """All that were heard of lately beat again."""
        self._run(
            "UPDATE replicas SET heartbeat_at = now()"
            " WHERE heartbeat_at > now() - interval '30 seconds'"
        )

    def silent(self, name: str, seconds: float) -> None:
        """This one was last heard so long ago."""
        self._run(
            "UPDATE replicas SET heartbeat_at = now() - :s * interval '1 second'"
            " WHERE replica_id = :name",
            name=name, s=seconds,
        )  # fmt: skip

    def acknowledge(self, *names: str) -> None:
        """These serve what is wanted at this moment, and hold the target warm."""
        for name in names:
            self._run(
                "INSERT INTO replica_models SELECT :name, d.model_name, d.epoch, p.version,"
                " c.version, d.canary_share, coalesce(l.loaded, '{}'), NULL, clock_timestamp(),"
                " d.fallback, s.version, d.shadow_share"
                " FROM model_routing d LEFT JOIN model_registry p ON p.id = d.production_id"
                " LEFT JOIN model_registry c ON c.id = d.canary_id"
                " LEFT JOIN model_registry s ON s.id = d.shadow_id"
                " LEFT JOIN LATERAL (SELECT jsonb_object_agg(version, jsonb_build_object("
                "   'state', 'ready', 'digest', artifact_digest)) AS loaded FROM model_registry"
                "   WHERE id IN (d.production_id, d.canary_id, d.target_id)) l ON true"
                " WHERE d.model_name = :model"
                " ON CONFLICT (replica_id, model_name) DO UPDATE SET epoch = excluded.epoch,"
                " production_version = excluded.production_version,"
                " canary_version = excluded.canary_version, loaded = excluded.loaded,"
                " canary_share = excluded.canary_share, fallback = excluded.fallback,"
                " shadow_version = excluded.shadow_version, shadow_share = excluded.shadow_share,"
                " acknowledged_at = clock_timestamp()",
                name=name,
            )

    def fails(self, name: str, error: str) -> None:
        """This one could not take up what it was to serve."""
        self._run(
            "UPDATE replica_models SET error = :error WHERE replica_id = :name"
            " AND model_name = :model",
            name=name, error=error,
        )  # fmt: skip

    def answered(
        self, version: str, count: int, errors: int = 0, ms: float = 5, arm: str = "production"
    ) -> None:
        """The prediction log has so many answers of the version just now."""
        self._run("SELECT ensure_prediction_partition((now() AT TIME ZONE 'UTC')::date)")
        self._run(
            "INSERT INTO model_predictions (prediction_id, predicted_at, model_name, version, arm,"
            " latency_ms, status) SELECT gen_random_uuid(), now(), :model, :version, :arm, :ms,"
            " CASE WHEN n <= :errors THEN 'error' ELSE 'ok' END FROM generate_series(1, :count) n",
            version=version, count=count, errors=errors, ms=ms, arm=arm,
        )  # fmt: skip

    def paired(self, version: str, count: int, agreeing: int) -> None:
        """The prediction log has so many pairs of the version in the shadow just now."""
        self.answered(version, count, arm="shadow")
        self._run(
            "UPDATE model_predictions SET twin_id = gen_random_uuid(), twin_latency_ms = 4,"
            " agrees = false, confidence_difference = 0.01"
            " WHERE arm = 'shadow' AND version = :version",
            version=version,
        )
        self._run(
            "UPDATE model_predictions SET agrees = true WHERE prediction_id IN (SELECT"
            " prediction_id FROM model_predictions WHERE arm = 'shadow' AND version = :version"
            " LIMIT :agreeing)",
            version=version, agreeing=agreeing,
        )  # fmt: skip

    def _run(self, statement: str, **values: object) -> None:
        with self.engine.begin() as connection:
            connection.execute(text(statement), {"model": self.model, **values})
