"""Secrets for tests that ask as somebody with a role."""

from uuid import uuid4

from sqlalchemy import Engine

from backend_api import db
from backend_api.identity import accounts, tokens
from backend_api.operations.order import Order
from backend_api.states import Role

DECIDE = (Role.LEAD, Role.ADMIN)


def account(
    engine: Engine, issuer: str, name: str, role: Role, hashed: str | None, subject: str | None
) -> None:
    """An account, as an admin would make it."""
    order = Order("tests", "made for a test", uuid4(), db.now())
    with db.transaction(engine, "tests") as session:
        accounts.insert(session, order, issuer, name, role, hashed, subject)


def bearer(engine: Engine, issuer: str, name: str, role: Role) -> str:
    """A machine's token of this name, or for who decides an account of this name and its token."""
    holder: tokens.Machine | tokens.Person = tokens.Machine(role)
    if role in DECIDE:
        account(engine, issuer, name, role, None, f"subject of {name}")
        holder = tokens.Person(name)
    with db.transaction(engine, "tests") as session:
        return tokens.create_token(
            session, name=name, holder=holder, days=1, created_by="tests", now=db.now()
        )
