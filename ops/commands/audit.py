"""audit: prove that nothing in the ledger was altered. Straight on PostgreSQL."""

import typer

from backend_api import db, ledger
from ops import reach
from ops.errors import OpsError
from ops.terminal import say

audit = typer.Typer(no_args_is_help=True, help="The ledger.")


@audit.callback()
def _group() -> None:
    """A group, so that its only command keeps its name."""


@audit.command()
def verify() -> None:
    """Walk the whole chain of hashes; names the first row that was altered."""
    with reach.database() as engine, db.transaction(engine, None) as session:
        proof = ledger.verify(session)
    if not proof.intact:
        raise OpsError(proof.sentence, "Compare with a backup: each one carries its head.")
    say(proof.sentence)
    if proof.head:
        say(f"Head: {proof.head}")
