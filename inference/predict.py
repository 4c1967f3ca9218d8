"""The hot path: one ASGI call from body to answer, with every duty and nothing beside it."""

import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import structlog
from starlette.types import Receive, Scope, Send
from uuid_utils import uuid7

from inference import body, metrics
from inference.admin import Gate
from inference.admission import Admission
from inference.catalogue import ENTITY_KEY, Entry
from inference.dialect import JSON, Asked, Dialect, Said
from inference.errors import (
    BadRequest,
    MethodNotAllowed,
    ModelFailed,
    NotFound,
    ServiceError,
    Unavailable,
)
from inference.features import FeatureStore
from inference.filling import Told, advice
from inference.log import PredictionLog
from inference.models import Answer, Row, WrongField
from inference.pool import Pool
from inference.responses import Responses
from inference.rotation import Rotation
from inference.routing import InFlight, Served, Snapshot, Standby, answering
from inference.settings import InferenceSettings
from inference.shadow import Shadows
from inference.turns import Turns

# A longer text takes longer than the warm-up's rows, so it never runs on the event loop.
INLINE_BYTES = 4096
LONGEST_KEY = 256

log = structlog.get_logger()


class Predict:
    """ASGI application for requests that ask for predictions, in whichever dialect."""

    def __init__(
        self, settings: InferenceSettings, entries: Mapping[str, Entry], rotation: Rotation,
        kept: PredictionLog, gate: Gate, store: FeatureStore, admission: Admission,
        shadows: Shadows,
    ) -> None:  # fmt: skip
        self._limit = settings.body_limit_bytes
        self._inline_ms = settings.inline_ms
        self._rotation, self._kept, self._gate, self._store = rotation, kept, gate, store
        self._names = {name: name for name in entries}
        self._names |= {entry.alias: name for name, entry in entries.items()}
        self._endpoints = sorted(entry.endpoint for entry in entries.values())
        self._responses = Responses({n: entry.response_cache for n, entry in entries.items()})
        self._keys = {name: entry.entity_key for name, entry in entries.items()}
        self._admission, self._pool = admission, Pool(admission)
        self._turns, self._shadows = Turns(), shadows

    async def __call__(self, dialect: Dialect, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        name = "unknown"
        flight: InFlight | None = None
        try:
            name, version = self._called(dialect, scope)
            content = await body.read(receive, scope["headers"], self._limit)
            arrived = scope["state"]["arrived"]
            self._admission.in_time(arrived)
            field = self._keys.get(name, ENTITY_KEY)
            asked = dialect.read(content, scope["headers"], field)
            # Read once: all of this request belongs to one snapshot.
            snapshot = self._rotation.snapshot
            key = _key(name, field, asked)
            arm = _arm(snapshot, self._rotation.standbys.get(name), name, key, version)
            epoch = 0
            if (route := snapshot.routes.get(name)) is not None:
                epoch, flight = route.epoch, route.in_flight
                flight.count += 1
            rows, told = asked.rows(arm.model.schema), None
            if key is not None and len(rows[0]) < len(arm.model.schema):
                rows, told = await self._complete(name, arm, key, rows)
            for row in rows:
                _check(arm, row, told)
            begun = time.perf_counter()
            place = self._responses.place(name, arm.version, epoch, rows)
            before = self._responses.find(place)
            answers = before or await self._answers(arm, rows, len(content), arrived)
            took = time.perf_counter() - begun
            said = self._note(name, arm, epoch, rows, key, answers, arrived, told, before)
            self._responses.keep(place, said.answers)
            await _send(send, 200, *asked.answer(said))
            if route is not None and route.shadow is not None and not said.cached:
                self._shadows.mirror(route, said, rows, key, took)
        except ServiceError as error:
            await self._refuse(dialect, send, name, error)
        except body.ClientGone:
            return
        # A mistake of ours must not look like a broken connection.
        except Exception:
            log.exception("request.failed", path=scope["path"])
            problem = ServiceError("Something went wrong here.", "The service's log has the cause.")
            await self._refuse(dialect, send, name, problem)
        finally:
            if flight is not None:
                flight.count -= 1

    def _called(self, dialect: Dialect, scope: Scope) -> tuple[str, str | None]:
        """Model, and the version if the caller wants a certain one."""
        segment, version = dialect.called(scope)
        name = self._names.get(segment)
        if name is None:
            if segment not in self._rotation.snapshot.routes:
                raise NotFound(
                    f"There is no model {segment[:60]!r}.",
                    f"Use one of {', '.join(self._endpoints)}.",
                )
            name = segment
        if scope["method"] != "POST":
            problem = MethodNotAllowed(
                f"{scope['method']} is not possible on {scope['path']}.", "Use POST."
            )
            problem.headers = ((b"allow", b"POST"),)
            raise problem
        for header, value in scope["headers"]:
            if header == b"x-nivesh-version":
                version = value.decode("latin-1")
        if version is not None:
            self._gate.require(body.header(scope["headers"], b"authorization"))
        return name, version

    async def _complete(
        self, name: str, arm: Served, key: str, rows: Sequence[Row]
    ) -> tuple[list[Row], Told]:
        """Rows with what the store holds; all are of one user and lack the same fields."""
        first, told = await self._store.complete(name, arm.model.schema, key, rows[0])
        found = {field: first[field] for field in told["from_store"]}
        return [first, *({**row, **found} for row in rows[1:])], told

    async def _answers(
        self, arm: Served, rows: Sequence[Row], size: int, arrived: float
    ) -> list[Answer] | Exception:
        """What the version makes of the rows, or how it fails."""
        model = arm.model
        try:
            quick = model.executor is None and model.milliseconds * len(rows) <= self._inline_ms
            if quick and size <= INLINE_BYTES:
                if model.batches and self._admission.taken > 1:
                    return await self._turns.answer(model, rows)
                return model.answer(rows)
            return await self._pool.answer(model, rows, arrived)
        except ServiceError:
            raise
        # A model may break in any way; each is the version's failure and never the service's.
        except Exception as error:
            return error

    def _note(
        self, name: str, arm: Served, epoch: int, rows: Sequence[Row], key: str | None,
        answers: list[Answer] | Exception, arrived: float, told: Told | None,
        before: list[Answer] | None,
    ) -> Said:  # fmt: skip
        """Log and count each row's answer, before any of it leaves.

        Raises:
            ModelFailed: there are no answers.  Unavailable: they cannot be logged.
        """
        failure = answers if isinstance(answers, Exception) else None
        seconds = time.perf_counter() - arrived
        milliseconds = round(seconds * 1000, 3)
        record: dict[str, Any] = {
            "model": name, "version": arm.version, "arm": arm.arm, "key": key,
            "output": None, "confidence": None, "ms": milliseconds,
            "status": "error" if failure else arm.status,
            "error": f"{type(failure).__name__}: {failure}"[:500] if failure else None,
        }  # fmt: skip
        ids = [str(uuid7()) for _ in rows]
        for place, row in enumerate(rows):
            if not isinstance(answers, Exception):
                record["output"] = answers[place]
                record["confidence"] = answers[place].get("confidence")
            at = time.time_ns() // 1000
            # Whoever counts it looks for the model before the input, which may hold any name.
            self._kept.keep({"id": ids[place], "at": at, **record, "input": row})
            arm.meters.predictions.inc()
            arm.meters.latency.observe(seconds)
        if isinstance(answers, Exception):
            arm.meters.errors.inc(len(rows))
            log.error("prediction.failed", model=name, version=arm.version, exc_info=failure)
            raise ModelFailed(
                f"{name} {arm.version} failed on this request.",
                "Try again; the failure is counted against the version.",
                prediction_id=ids[0], version=arm.version,
            )  # fmt: skip
        return Said(name, arm, epoch, answers, ids, milliseconds, told, before is not None)

    async def _refuse(self, dialect: Dialect, send: Send, name: str, error: ServiceError) -> None:
        if error.status < 500:
            metrics.REJECTED.labels(name, str(error.status)).inc()
        elif isinstance(error, Unavailable):
            metrics.meters(name, "none", "none").errors.inc()
        await _send(send, error.status, dialect.problem(error), (JSON, *error.headers))


def _key(name: str, field: str, asked: Asked) -> str | None:
    key: Any = asked.key
    if key is None:
        metrics.UNKEYED.labels(name).inc()
        return None
    if isinstance(key, int) and not isinstance(key, bool):
        return str(key)
    if not isinstance(key, str):
        raise BadRequest(
            f"{field} is of type {type(key).__name__}; send a text or leave it out",
            "/docs shows an example.", field=field,
        )  # fmt: skip
    if len(key) > LONGEST_KEY:
        raise BadRequest(
            f"{field} has {len(key):,} characters; send {LONGEST_KEY} or fewer", field=field
        )
    return key


def _arm(
    snapshot: Snapshot, standby: Standby | None, name: str, key: str | None, version: str | None
) -> Served:
    if version is not None:
        loaded = snapshot.direct.get(name, {})
        if version not in loaded:
            raise NotFound(
                f"{name} {version[:40]} is not loaded here.",
                f"Loaded: {', '.join(sorted(loaded)) or 'none'}. Stage it first; GET /models says"
                " why a version could not be loaded.",
            )
        return loaded[version]
    arm = answering(snapshot.routes.get(name), key, standby)
    if arm is None:
        raise Unavailable(
            f"No version of {name} is loaded.",
            "Promote one on the Registry page; GET /models shows what is being loaded.",
        )
    return arm


def _check(arm: Served, row: dict[str, Any], told: Told | None) -> None:
    try:
        arm.model.check(row)
    except WrongField as error:
        more = {"features": told} if told else {}
        hint = advice(error.field, told)
        raise BadRequest(str(error), hint, field=error.field, **more) from error


async def _send(
    send: Send, status: int, content: bytes, head: Iterable[tuple[bytes, bytes]]
) -> None:
    length = (b"content-length", b"%d" % len(content))
    await send({"type": "http.response.start", "status": status, "headers": [length, *head]})
    await send({"type": "http.response.body", "body": content})
