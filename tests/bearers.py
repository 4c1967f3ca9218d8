"""Secrets for tests that ask as somebody with a role."""

from uuid import uuid4

from sqlalchemy import Engine

from backend_api import db
from backend_api.identity import accounts, tokens
from backend_api.operations.order import Order
from backend_api.states import Role

DECIDE = (Role.LEAD, Role.ADMIN)


def bearer(engine: Engine, issuer: str, name: str, role: Role) -> str:
    """A machine's token of this name, or for who decides an account of this name and its token."""
    now = db.now()
    holder: tokens.Machine | tokens.Person = tokens.Machine(role)
    with db.transaction(engine, "tests") as session:
        if role in DECIDE:
            order = Order("tests", "made for a test", uuid4(), now)
            accounts.insert(session, order, issuer, name, role, None, f"subject of {name}")
            holder = tokens.Person(name)
        return tokens.create_token(
            session, name=name, holder=holder, days=1, created_by="tests", now=now
        )
