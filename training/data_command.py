"""The command line that the four data generators share."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from training.datasets import DEFAULT_SEED

CANNOT_WRITE = 2


def data_app(write: Callable[[Path, int, int], int], default_rows: int) -> typer.Typer:
    """Command around a generator: ``write(out, rows, seed)`` returns the rows written."""
    app = typer.Typer(add_completion=False, help="Write generated training data to a file.")

    @app.command()
    def main(
        out: Annotated[Path, typer.Option(help="File to write.")],
        rows: Annotated[int, typer.Option(min=1, help="About how many rows.")] = default_rows,
        seed: Annotated[int, typer.Option(help="Seed of the generator.")] = DEFAULT_SEED,
    ) -> None:
        try:
            written = write(out, rows, seed)
        except OSError as error:
            typer.echo(
                f"Error: {out} cannot be written ({error.strerror}); choose another", err=True
            )
            raise typer.Exit(CANNOT_WRITE) from None
        typer.echo(f"Wrote {written:,} rows to {out}")

    return app
