"""What a version answered to its example when this host loaded it first, and whether it still does.

A version's bytes are held against their digest; the libraries that run them are not, and another
one of these may change answers that were validated.
"""

import json
import os
from pathlib import Path

import orjson
import structlog

from inference import metrics
from inference.models import Model
from inference.runtimes.warm import same

log = structlog.get_logger()


def compare(folder: Path, name: str, model: Model) -> bool:
    """Whether the example's answer is the first one's; kept beside the folder if it is the first.

    Another answer is logged and counted, not refused: a model may rightly depend on the day.
    """
    _, answer = model.example
    place = folder.with_name(f"{folder.name}.example.json")
    try:
        first = json.loads(place.read_bytes())
    except (OSError, ValueError):
        _keep(place, orjson.dumps(answer))
        return True
    if same(first, answer):
        return True
    metrics.EXAMPLE_MOVED.labels(name).inc()
    log.warning("model.example_moved", model=name, folder=folder.name, first=first, now=answer)
    return False


def _keep(place: Path, content: bytes) -> None:
    draft = place.with_name(f".{place.name}.{os.getpid()}")
    try:
        draft.write_bytes(content)
        draft.replace(place)
    except OSError as error:
        log.warning("model.example_not_kept", file=str(place), reason=str(error))
