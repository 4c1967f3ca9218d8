"""The command line that the four train modules share."""

from pathlib import Path
from typing import Annotated, Protocol

import typer
from rich.console import Console
from rich.table import Table

from training.datasets import DEFAULT_SEED, DataError
from training.pipeline import TrainResult
from training.tracking import TrackingError

BAD_DATA = 2
NO_TRACKING = 3


class Train(Protocol):
    """Train a model and log it."""

    def __call__(
        self, data_path: Path | None = None, seed: int = DEFAULT_SEED, quick: bool = False
    ) -> TrainResult:
        """``DataError`` on bad data, ``TrackingError`` without MLflow."""
        ...


def criteria_table(result: TrainResult) -> Table:
    """The acceptance criteria: bar, value reached, verdict and what is missing."""
    table = Table(title="Acceptance criteria", title_justify="left")
    for heading in ("criterion", "bar", "reached", "verdict", "missing"):
        table.add_column(heading)
    for judged in result.gates:
        criterion = judged.criterion
        table.add_row(
            criterion.label,
            f"{criterion.op} {criterion.value:g}",
            "not measured" if judged.actual is None else f"{judged.actual:.4f}",
            "pass" if judged.passed else "fail",
            f"{judged.shortfall:.4f}" if judged.shortfall else "",
        )
    return table


def _report(result: TrainResult) -> None:
    console = Console()
    console.print(criteria_table(result))
    for judged in result.gates:
        if not judged.passed:
            console.print(f"{judged.sentence}.", soft_wrap=True)
    console.print(f"Logged as {result.model_uri}", soft_wrap=True)


def train_app(train: Train) -> typer.Typer:
    """Command around ``train``: exit code 2 on bad data, 3 without MLflow, else 0."""
    app = typer.Typer(add_completion=False, help=train.__doc__)

    @app.command()
    def main(
        data_path: Annotated[
            Path | None, typer.Option(help="Training data; without it, generated data.")
        ] = None,
        seed: Annotated[int, typer.Option(help="Seed of data and training.")] = DEFAULT_SEED,
        quick: Annotated[
            bool, typer.Option("--quick", help="Less data and fewer epochs, for tries.")
        ] = False,
    ) -> None:
        try:
            result = train(data_path, seed, quick)
        except DataError as error:
            typer.echo(f"Error: {error}", err=True)
            raise typer.Exit(BAD_DATA) from None
        except TrackingError as error:
            typer.echo(f"Error: {error}", err=True)
            raise typer.Exit(NO_TRACKING) from None
        _report(result)

    return app
