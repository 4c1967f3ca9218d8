"""The parts of one worker, built and wired in one place."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from inference import artefacts, catalogue, database
from inference.admin import Gate
from inference.admission import Admission
from inference.cache import Cache
from inference.catalogue import Entry
from inference.fallback import RULES
from inference.features import FeatureStore
from inference.kept import Kept
from inference.log import Deliverer, PredictionLog
from inference.models import Model
from inference.privacy import Privacy
from inference.probes import Prober
from inference.rehearsal import Rehearser
from inference.rotation import Rotation
from inference.routing import FALLBACK, Standby, served
from inference.runtimes import load as runtimes
from inference.runtimes import recall
from inference.runtimes.pace import pace
from inference.settings import InferenceSettings
from inference.shadow import Shadows
from inference.shelf import Shelf
from inference.spool import Spool
from inference.sync import Bell, Follower

# A worker whose models take longer to load answers 503 for them meanwhile.
SETTLE_SECONDS = 20.0


@dataclass(frozen=True)
class Service:
    """What a worker works with."""

    settings: InferenceSettings
    entries: Mapping[str, Entry]
    shelf: Shelf
    rotation: Rotation
    follower: Follower
    kept: PredictionLog
    deliverer: Deliverer
    store: FeatureStore
    prober: Prober
    gate: Gate
    admission: Admission
    shadows: Shadows
    rehearser: Rehearser

    async def start(self) -> None:
        """Begin to follow, and wait until there is something to answer with."""
        self.rehearser.start()
        self.follower.start()
        self.deliverer.start()
        self.prober.start()
        self.shadows.start()
        await self.store.warm()
        await asyncio.to_thread(self.rotation.settled.wait, SETTLE_SECONDS)

    async def stop(self) -> None:
        """Say farewell and deliver what can be delivered; the rest stays in the spool."""
        self.prober.stop()
        self.shadows.stop()
        await asyncio.to_thread(self.follower.stop)
        await asyncio.to_thread(self.deliverer.stop, 3.0)
        await self.store.close()


def _standbys(entries: Mapping[str, Entry]) -> dict[str, Standby]:
    """Rules of those models that may be answered by them."""
    return {
        name: Standby(
            served(name, FALLBACK, FALLBACK, rules), entries[name].fallback == "automatic"
        )
        for name, rules in RULES.items()
        if name in entries and entries[name].fallback != "none"
    }


def build(settings: InferenceSettings, slot: int) -> Service:
    """All parts of a worker; nothing is started.

    Raises:
        CatalogueError: models.yaml cannot be used.
    """
    bell = Bell()
    cache = Cache(
        settings.folder / "artefacts",
        partial(artefacts.fetch, tracking_uri=settings.mlflow_tracking_uri),
    )
    entries = catalogue.load(settings.models_file)
    admission = Admission(settings.queue, settings.queue_ms, entries)

    def load(model: str, folder: Path) -> Model:
        key, threads = catalogue.entity_key(entries, model), catalogue.threads(entries, model)
        made = runtimes.load(folder, key, threads, pace(lambda: admission.entered))
        recall.compare(folder, model, made)
        return made

    shelf = Shelf(cache, settings.model_cache_size, load, bell.ring)
    rotation = Rotation(shelf, Kept(settings.folder), _standbys(entries))
    spool = Spool(settings.folder / "spool", str(slot))
    kept = PredictionLog(
        spool, settings.spool_limit_bytes, settings.spool_full,
        Privacy(entries, settings.privacy_key),
    )  # fmt: skip
    store = FeatureStore(settings.redis_host, settings.redis_port, settings.feature_timeout_ms)
    rehearser = Rehearser(
        rotation, settings.replica(slot),
        partial(database.connect, settings.database_url, "rehearsal"),
    )  # fmt: skip
    return Service(
        settings=settings,
        entries=entries,
        shelf=shelf,
        rotation=rotation,
        follower=Follower(settings, slot, rotation, shelf, cache, bell, rehearser.order),
        kept=kept,
        deliverer=Deliverer(kept, partial(database.connect, settings.database_url, "log")),
        store=store,
        prober=Prober(store, settings.mlflow_tracking_uri),
        gate=Gate(settings.admin_token),
        shadows=Shadows(rotation, kept, settings.shadow_queue),
        rehearser=rehearser,
        admission=admission,
    )
