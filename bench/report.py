"""What was measured, as Markdown with a picture."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import matplotlib as mpl
from matplotlib.figure import Figure

from bench.delivery import Delivery
from bench.drift import Drift
from bench.loading import Loading
from bench.overload import TIMES, Overload
from bench.predict import CONNECTIONS, Comparison
from bench.rollback import Rollbacks

OURS, BARE, BAR = "#0b7a75", "#b7bec6", "#c2410c"
RATE_BAR, P50_BAR = 0.6, 1.6
HEAD = (
    "model", "load", "answers/s", "floor", "ratio", "p50 ms", "floor", "ratio", "p99 ms", "floor",
    "failed",
)  # fmt: skip


@dataclass(frozen=True)
class Findings:
    """All of one run. ``memory`` is the megabytes of one worker before and after all models were
    loaded; ``models`` is how many those are."""

    machine: str
    seconds: float
    predict: Sequence[Comparison]
    memory: tuple[float, float]
    overload: Overload
    overloaded: str
    loading: tuple[Loading, Loading]
    delivery: Delivery
    drift: Drift
    rollback: Rollbacks

    @property
    def models(self) -> int:
        """How many models were measured."""
        return len({seen.model for seen in self.predict})


def row(seen: Comparison) -> list[str]:
    """A line of the table of predictions."""
    ours, bare = seen.service, seen.floor
    return [
        seen.model, seen.load, f"{ours.rate:,.0f}", f"{bare.rate:,.0f}", f"{seen.rate_ratio:.2f}",
        f"{ours.p50_ms:.2f}", f"{bare.p50_ms:.2f}", f"{seen.p50_ratio:.2f}",
        f"{ours.p99_ms:.1f}", f"{bare.p99_ms:.1f}", str(ours.failed),
    ]  # fmt: skip


def _loading(seen: Loading, what: str) -> str:
    beside, quiet = _spread(seen.loading_ms), _spread([*seen.quiet_ms, *seen.again_ms])
    return (
        f"Loading: at {seen.rate:,.0f} requests a second p99 was {quiet} ms in quiet windows, and"
        f" {beside} ms in windows as long in each of which {what}, {len(seen.loading_ms)} times"
        f" ({seen.added:+.0%}; one half of the quiet ones beside the other: {seen.by_itself:+.0%});"
        f" {seen.failed} requests failed."
    )


def _spread(found: Sequence[float]) -> str:
    """The median window, and where the middle half of them lies."""
    low, middle, high = statistics.quantiles(found, n=4)
    return f"{middle:.1f} ({low:.1f} to {high:.1f})"


def sentences(found: Findings) -> list[str]:
    """Everything but the table, one measurement a line."""
    over, back = found.overload, found.rollback
    fetched, reloaded = found.loading
    before, after = found.memory
    return [
        f"Overload: {found.overloaded}, one worker that answers {over.capacity:,.0f} a second in"
        f" the closed loop was sent {over.offered:,.0f} a second"
        f" ({over.offered / over.capacity:.1f} times, {TIMES} were asked for):"
        f" {over.accepted.rate:,.0f} a second were answered, p50"
        f" {over.accepted.p50_ms:.0f} ms, p99 {over.accepted.p99_ms:.0f} ms; {over.refused:,} were"
        f" refused with 429, {over.broken} broke.",
        _loading(fetched, "a version was fetched from MLflow, which shares the cores, and loaded"),
        _loading(reloaded, "the model's versions were verified and loaded from disk"),
        f"Rollback under load, {len(back.milliseconds)} times: order to last old answer on any of"
        f" two workers, median {back.p50:.0f} ms, slowest {back.worst:.0f} ms; {back.failed} of"
        f" {back.requests:,} requests failed.",
        f"Prediction log: {found.delivery.kept:,.0f} records a second into the spool while"
        f" PostgreSQL takes them, {found.delivery.delivered:,.0f} a second delivered.",
        *found.drift.sentences,
        f"Memory of a worker (PSS): {before:.0f} MB empty, {after:.0f} MB with {found.models}"
        " models.",
    ]


def _markdown(found: Findings) -> str:
    table = [HEAD, ["---"] * 2 + ["---:"] * (len(HEAD) - 2), *map(row, found.predict)]
    lines = [
        "# Performance",
        "",
        "Written by `make bench`. Each figure of the service stands beside the floor of the same"
        " run: the same model behind bare\nStarlette and ONNX Runtime on the same event loop and"
        " parser, with no validation, routing, split, log or metrics.",
        "",
        found.machine,
        "",
        "![Answers per second and median latency beside the floor](performance.svg)",
        "",
        *(f"| {' | '.join(cells)} |" for cells in table),
        "",
        f"One worker. Bars: {CONNECTIONS} connections, ratio of answers at least {RATE_BAR}; one"
        f" connection, ratio of p50 at most {P50_BAR}. *open* is an open loop at half of\nthe"
        " closed loop's rate, timed from when a request was due.",
        "",
        *(f"- {sentence}" for sentence in sentences(found)),
        "",
        f"The run took {found.seconds / 60:.1f} minutes.",
        "",
    ]
    return "\n".join(lines)


def _picture(found: Findings, path: Path) -> None:
    many = [c for c in found.predict if c.load == f"{CONNECTIONS} connections"]
    one = [c for c in found.predict if c.load == "1 connection"]
    names = [c.model.replace("_", " ") for c in many]
    places = range(len(names))
    figure = Figure(figsize=(9, 3.4), layout="constrained")
    left, right = figure.subplots(1, 2)
    left.bar([p - 0.2 for p in places], [c.floor.rate for c in many], 0.38, color=BARE)
    left.bar([p + 0.2 for p in places], [c.service.rate for c in many], 0.38, color=OURS)
    left.hlines([c.floor.rate * RATE_BAR for c in many], [p - 0.4 for p in places],
                [p + 0.4 for p in places], color=BAR, linewidth=1)  # fmt: skip
    left.set_title(f"Answers a second, {CONNECTIONS} connections", loc="left", fontsize=10)
    right.bar([p - 0.2 for p in places], [c.floor.p50_ms for c in one], 0.38, color=BARE,
              label="floor")  # fmt: skip
    right.bar([p + 0.2 for p in places], [c.service.p50_ms for c in one], 0.38, color=OURS,
              label="service, all duties")  # fmt: skip
    right.hlines([c.floor.p50_ms * P50_BAR for c in one], [p - 0.4 for p in places],
                 [p + 0.4 for p in places], color=BAR, linewidth=1, label="bar")  # fmt: skip
    right.set_title("Median milliseconds, 1 connection", loc="left", fontsize=10)
    for axes in (left, right):
        axes.set_xticks(list(places), [name.replace(" ", "\n", 1) for name in names], fontsize=8)
        axes.spines[["top", "right"]].set_visible(False)
    figure.legend(loc="outside lower center", ncols=3, frameon=False, fontsize=8)
    # Neither a date nor random names: the same figures give the same file.
    with mpl.rc_context({"svg.hashsalt": "nivesh", "svg.fonttype": "none"}):
        figure.savefig(path, format="svg", metadata={"Date": None})


def write(found: Findings, folder: Path) -> None:
    """``performance.md`` and its picture in the folder."""
    _picture(found, folder / "performance.svg")
    (folder / "performance.md").write_text(_markdown(found), encoding="utf-8")
