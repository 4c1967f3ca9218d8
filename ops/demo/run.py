"""The demonstration: the four models trained, validated, promoted and serving."""

from collections.abc import Mapping
from pathlib import Path

from backend_api.errors import ConsoleError
from console.client import Backend
from console.errors import BackendError
from ops import caller, reach
from ops.demo.promotion import Pair, pair, promote
from ops.demo.training import Learned, Lesson, learning
from ops.errors import OpsError
from ops.stack.home import Home
from ops.stack.record import Record
from ops.terminal import out, refuse, say

# This one gets a second version, of other data, so that there is a way back to show.
TWICE, LATER_SEED = "intent_classifier", 20260225


def lessons(models: list[str]) -> list[Lesson]:
    """What is to be trained: each model once, and the one that gets two versions again."""
    later = [Lesson(TWICE, LATER_SEED)] if TWICE in models else []
    return [Lesson(model) for model in models] + later


def unserved(backend: Backend) -> list[str]:
    """Models that have nothing in production."""
    found = backend.deployments()
    return [d.model_name for d in found if d.desired is None or d.desired.production is None]


def demonstrate(home: Home, record: Record) -> None:
    """Bring every model that has nothing in production there; a second time does nothing."""
    with caller.backend() as backend:
        wanted = unserved(backend)
    if not wanted:
        say("All models of the demonstration serve already.")
        return
    plan = lessons(wanted)
    say(f"Training {len(plan)} versions of {len(wanted)} models; some minutes.")
    carry_out(plan, home, record)


def carry_out(plan: list[Lesson], home: Home, record: Record) -> None:
    """Train each lesson and bring it into production, by two identities of its own."""
    url = reach.value("BACKEND_URL", record)
    with reach.database() as engine, pair(engine, url) as two:
        _learn(two, plan, home.log("training"), record.environment)


def _learn(two: Pair, plan: list[Lesson], log: Path, variables: Mapping[str, str]) -> None:
    with learning(plan, log, variables) as results:
        for lesson, result in zip(plan, results, strict=True):
            try:
                with out.status(f"Training {lesson.model}"):
                    learned = result.result()
                consider(two, learned)
            except (OpsError, ConsoleError, BackendError) as error:
                refuse(error.message, error.hint)
            except Exception as error:  # training may fail in any way, and the rest goes on
                refuse(f"{lesson.model} could not be trained: {error}", f"Its log: {log}")


def consider(two: Pair, learned: Learned) -> None:
    """Promote a version, or say why it is not even registered."""
    if learned.shortfalls:
        refuse(
            f"{learned.lesson.model} misses its criteria, so it is not registered:"
            f" {' '.join(learned.shortfalls)}"
        )
        return
    promote(two, learned)
