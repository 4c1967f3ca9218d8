"""features: fill the feature store that predictions take from what their callers leave out."""

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import Progress, SpinnerColumn, TextColumn

from backend_api import catalog as catalogs
from backend_api import db, deployment, registry
from inference.features import MODEL, OUTAGES, USER, FeatureStore
from ops import reach
from ops.errors import OpsError
from ops.feature_file import BadRow, Row, Schema, read
from ops.settings import OpsSettings
from ops.stack.record import load
from ops.terminal import err, out, say

BATCH = 500
NAMED = 20
KEY = "user_id"

features = typer.Typer(no_args_is_help=True, help="Features of users and models.")


@features.callback()
def _group() -> None:
    """A group, so that its only command keeps its name."""


@features.command()
def backfill(
    file: Annotated[Path, typer.Option("--file", help=f"CSV or JSONL with {KEY} and features.")],
    model: Annotated[
        str | None,
        typer.Option("--model", help="Check values against this model's production version."),
    ] = None,
    ttl: Annotated[
        int | None,
        typer.Option("--ttl", min=1, help="Seconds they are good; by default FEATURE_TTL_SECONDS."),
    ] = None,
) -> None:
    """Write features of users, or with --model and no user_id those that are the same for all.

    May be repeated: rows are written over what was there. Rows that cannot be taken are named by
    their line and left out; the exit code is 1 then.
    """
    seconds = ttl or OpsSettings().feature_ttl_seconds
    key, schema = (KEY, None) if model is None else _schema(model)
    record = load(reach.home())
    host, port = reach.value("REDIS_HOST", record), int(reach.value("REDIS_PORT", record))
    bad: list[BadRow] = []
    try:
        rows = read(file, key, schema)
        written = sum(_written(FeatureStore(host, port), rows, model, seconds, bad))
    except OUTAGES as error:
        raise OpsError(
            f"Redis at {host}:{port} does not take them: {error}.",
            "Run the same command again once it answers; what is written stays.",
        ) from error
    say(f"{written:,} rows are in the feature store, good for {seconds:,} s.")
    if bad:
        more = f" The first {NAMED} are named above." if len(bad) > NAMED else ""
        raise OpsError(f"{len(bad):,} rows were left out.{more}", "Mend them and run it again.")


def _schema(model: str) -> tuple[str, Schema]:
    """The users' field of a model, and what its production version takes beside it.

    Raises:
        OpsError: nothing is in production, or it was registered without a schema.
    """
    settings = reach.settings(load(reach.home()))
    entry = catalogs.load(settings.models_file).get(model)
    with reach.database() as engine, db.transaction(engine, None) as session:
        want = deployment.desired(session, model)
        if want is None or want.production is None:
            raise OpsError(
                f"Nothing of {model} is in production, so there is no schema to check against.",
                "Leave --model out, or promote a version first.",
            )
        schema = registry.version_row(session, model, want.production).input_schema
    if not schema:
        raise OpsError(f"{model} {want.production} has no input schema.", "Leave --model out.")
    return entry.entity_key, schema


def _written(
    store: FeatureStore, rows: Iterator[Row | BadRow], model: str | None, ttl: int,
    bad: list[BadRow],
) -> Iterator[int]:  # fmt: skip
    """Rows written, batch by batch; the bad ones are named and gathered."""
    columns = (SpinnerColumn(), TextColumn("{task.completed:,.0f} rows, {task.fields[bad]} bad"))
    with Progress(*columns, console=out, transient=True, disable=not out.is_terminal) as bar:
        shown = bar.add_task("", total=None, bad=0)
        while batch := list(islice(rows, BATCH)):
            good = [row for row in batch if isinstance(row, Row)]
            for row in batch:
                if isinstance(row, BadRow):
                    _name(row, len(bad))
                    bad.append(row)
            hashes: dict[str, dict[str, str]] = {}
            for row in good:
                place = f"{USER}{row.user}" if row.user is not None else f"{MODEL}{model}"
                hashes.setdefault(place, {}).update(row.features)
            if hashes:
                store.write(hashes, ttl)
            bar.update(shown, advance=len(batch), bad=len(bad))
            yield len(good)


def _name(row: BadRow, before: int) -> None:
    if before < NAMED:
        err.print(f"Line {row.line}: {row.problem}.", markup=False, soft_wrap=True)
