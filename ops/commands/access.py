"""account and token: who gets in. Straight on PostgreSQL, since somebody has to be the first."""

from datetime import datetime
from typing import Annotated
from uuid import uuid4

import typer
from rich.table import Table

from backend_api import db
from backend_api.identity import accounts, passwords, tokens
from backend_api.operations.order import once
from backend_api.schemas import Account, Explain, NewAccount, NewToken, SetRole, Token
from backend_api.states import Role
from ops import reach
from ops.caller import actor
from ops.errors import OpsError
from ops.stack.record import load
from ops.terminal import out, say

account = typer.Typer(no_args_is_help=True, help="People who may sign in.")
token = typer.Typer(no_args_is_help=True, help="Tokens of machines.")

Reason = Annotated[str, typer.Option("--reason", help="Why; it stands in the ledger.")]
Given = Annotated[Role, typer.Option("--role", help="What they may do.")]
BY_HAND = "from the command line"


def _day(at: datetime | None) -> str:
    return f"{at:%d %b %Y}" if at else ""


@account.command("add")
def add_account(
    name: str,
    role: Given,
    subject: Annotated[
        str | None, typer.Option(help="What another provider than the embedded issuer calls them.")
    ] = None,
    reason: Reason = BY_HAND,
) -> None:
    """Let somebody in, or in again; prints their first password once."""
    settings = reach.settings(load(reach.home()))
    password = passwords.made_up() if settings.embedded else None
    body = NewAccount(
        request_id=uuid4(), reason=reason, username=name, role=role, password=password,
        subject=subject,
    )  # fmt: skip
    with reach.database() as engine:
        made = accounts.add(engine, settings, body, actor(), db.now())
    say(f"{made.username} may sign in as {made.role}.")
    if password:
        say(f"Password, shown this once: {password}")


@account.command("list")
def list_accounts() -> None:
    """Everybody who may sign in, or once could."""
    with reach.database() as engine, db.transaction(engine, None) as session:
        found = accounts.every(session)
    table = Table("name", "role", "since", "disabled", box=None)
    for one in found:
        table.add_row(one.username, one.role, _day(one.created_at), _day(one.disabled_at))
    out.print(table)


@account.command("role")
def change_role(name: str, role: Given, reason: Reason = BY_HAND) -> None:
    """Change what somebody may do, from their next request on."""
    body = SetRole(request_id=uuid4(), reason=reason, role=role)
    with reach.database() as engine:
        made = once(
            engine, f"set role of {name}", body, actor(), db.now(),
            lambda s, o: accounts.set_role(s, o, name, role), Account,
        )  # fmt: skip
    say(f"{made.username} is {made.role} from now on.")


@account.command("disable")
def disable_account(name: str, reason: Reason = BY_HAND) -> None:
    """Shut somebody out at once."""
    body = Explain(request_id=uuid4(), reason=reason)
    with reach.database() as engine:
        once(
            engine, f"disable account {name}", body, actor(), db.now(),
            lambda s, o: accounts.disable(s, o, name), Account,
        )  # fmt: skip
    say(f"{name} is shut out. `nivesh account add {name} --role ROLE` lets them in again.")


@token.command("create")
def create_token(
    name: str,
    role: Annotated[Role | None, typer.Option("--role", help="What a machine may do.")] = None,
    owner: Annotated[
        str | None, typer.Option("--owner", help="Whose it is; it does what they may do.")
    ] = None,
    days: Annotated[int, typer.Option(help="How long it is good for.")] = 90,
    reason: Reason = BY_HAND,
) -> None:
    """Make a machine's or a person's token; its secret goes to standard output, once."""
    if (role is None) == (owner is None):
        raise OpsError(
            "A token is either a machine's or a person's.",
            "Pass --role ROLE for a machine, or --owner ACCOUNT for a person.",
        )
    body = NewToken(
        request_id=uuid4(), reason=reason, name=name, role=role or Role.MACHINE, days=days
    )
    with reach.database() as engine:
        if owner is None:
            secret = tokens.make(engine, body, actor(), db.now()).secret
        else:
            with db.transaction(engine, actor()) as session:
                secret = tokens.create_token(
                    session, name=body.name, holder=tokens.Person(owner), days=body.days,
                    created_by=actor(), now=db.now(), reason=body.reason,
                )  # fmt: skip
    out.print(secret, markup=False, soft_wrap=True)


@token.command("list")
def list_tokens() -> None:
    """All tokens, without their secrets."""
    with reach.database() as engine, db.transaction(engine, None) as session:
        found = tokens.every(session)
    table = Table("name", "role or owner", "made by", "expires", "last used", "revoked", box=None)
    for one in found:
        days = map(_day, (one.expires_at, one.last_used_at, one.revoked_at))
        table.add_row(one.name, one.role or one.owner, one.created_by, *days)
    out.print(table)


@token.command("revoke")
def revoke_token(name: str, reason: Reason = BY_HAND) -> None:
    """Make a token worthless at once."""
    body = Explain(request_id=uuid4(), reason=reason)
    with reach.database() as engine:
        once(
            engine, f"revoke token {name}", body, actor(), db.now(),
            lambda s, o: tokens.revoke(s, o, name), Token,
        )  # fmt: skip
    say(f"{name} is worthless from now on.")
