"""People: who they are to the issuer, and the role that we gave them."""

from datetime import datetime
from typing import NoReturn
from uuid import uuid4

from sqlalchemy import Engine, func, select, text
from sqlalchemy.orm import Session
from uuid_utils.compat import uuid7

from backend_api import db
from backend_api.errors import BadRequest, Conflict, Forbidden, NotFound
from backend_api.identity import passwords
from backend_api.identity.id_token import Identity
from backend_api.identity.verify import Caller
from backend_api.operations.order import Order, once
from backend_api.schemas import Account, Explain, NewAccount
from backend_api.settings import BackendSettings
from backend_api.states import Role
from backend_api.tables import AccountRow

# Made at the very first start: one for each role, and a second lead, since nobody approves alone.
FIRST = (
    ("viewer", Role.VIEWER),
    ("analyst", Role.ANALYST),
    ("oncall", Role.ONCALL),
    ("lead", Role.LEAD),
    ("lead2", Role.LEAD),
    ("admin", Role.ADMIN),
)


def wire(row: AccountRow) -> Account:
    """A person on the wire."""
    return Account(
        username=row.username,
        role=Role(row.role),
        created_at=row.created_at,
        disabled_at=row.disabled_at,
    )


def every(session: Session) -> list[Account]:
    """Everybody who may sign in, or once could, by name."""
    return [wire(row) for row in session.scalars(select(AccountRow).order_by(AccountRow.username))]


def verify(session: Session, issuer: str, identity: Identity) -> Caller:
    """Who the issuer's subject is to us, with the role of this moment.

    ``issuer`` is ``settings.account_issuer``, here and below.

    Raises:
        Forbidden: nobody let them in, or they were shut out.
    """
    row = session.scalar(
        select(AccountRow).where(
            AccountRow.issuer == issuer, AccountRow.subject == identity.subject
        )
    )
    if row is None:
        raise Forbidden(
            f"{identity.name} is signed in, but has no account here.",
            f"Ask an admin to add one for the subject {identity.subject}.",
            issuer=identity.issuer,
            subject=identity.subject,
        )
    return _admitted(row)


def owner(session: Session, username: str) -> Caller:
    """Who a person's own token means, with the role that they have at this moment.

    Raises:
        Forbidden: they were shut out.
    """
    return _admitted(_row(session, username))


def _admitted(row: AccountRow) -> Caller:
    if row.disabled_at is not None:
        raise Forbidden(f"The account of {row.username} is disabled.", "Ask an admin.")
    return Caller(row.username, Role(row.role), "person", row.subject)


def add(
    engine: Engine, settings: BackendSettings, body: NewAccount, actor: str, now: datetime
) -> Account:
    """Let somebody in, once per request; somebody who was shut out is let in again.

    Raises:
        BadRequest: a machine's role; a password for a provider elsewhere, or none for our issuer.
        Conflict: the name is in use, or the request id was used for something else.
    """
    _fits(settings, body)
    made = None if body.password is None else passwords.hashed(body.password)
    # The password stays out of what is kept of the request, even of its hash.
    kept = Explain(request_id=body.request_id, reason=body.reason)
    account = once(
        engine,
        f"add account {body.username} {body.role} {body.subject or ''}",
        kept,
        actor,
        now,
        lambda s, o: insert(
            s, o, settings.account_issuer, body.username, body.role, made, body.subject
        ),
        Account,
    )
    if body.password is not None:
        _same_password(engine, body.username, made, body.password)
    return account


def _fits(settings: BackendSettings, body: NewAccount) -> None:
    if settings.embedded and (body.password is None or body.subject is not None):
        raise BadRequest(
            "An account of the embedded issuer has a first password, and no subject.",
            "Send password, of 10 characters or more.",
        )
    if not settings.embedded and (body.subject is None or body.password is not None):
        raise BadRequest(
            f"{settings.issuer} keeps the passwords; an account here names its subject there.",
            "Send subject. The first sign-in of somebody unknown says what theirs is.",
        )


def _same_password(engine: Engine, username: str, made: str | None, password: str) -> None:
    with db.transaction(engine, None) as session:
        stored = _row(session, username).password_hash
    if stored != made and not passwords.matches(stored, password):
        raise Conflict(
            f"This request_id already made {username}, with another password.",
            "The first one counts. Make a new request_id for each new decision.",
        )


def insert(
    session: Session,
    order: Order,
    issuer: str,
    username: str,
    role: Role,
    password_hash: str | None,
    subject: str | None,
) -> Account:
    """The account's row, new or let in again.

    Raises:
        BadRequest: a machine's role.
        Conflict: the name is in use.
    """
    _person(role)
    row = session.scalar(
        select(AccountRow).where(AccountRow.username == username).with_for_update()
    )
    if row is not None and row.disabled_at is None:
        raise Conflict(
            f"There is a {username} already, as {row.role}.",
            "Choose another name, or change that account's role.",
        )
    _unclaimed(session, issuer, subject, username)
    verb = "account.add" if row is None else "account.restore"
    if row is None:
        row = AccountRow(id=uuid4(), username=username, created_at=order.now)
        session.add(row)
    row.issuer, row.subject, row.role = issuer, subject or str(row.id), role
    row.password_hash, row.disabled_at = password_hash, None
    session.flush()
    order.record(session, verb, evidence={"username": username, "role": role, "issuer": issuer})
    return wire(row)


def _unclaimed(session: Session, issuer: str, subject: str | None, username: str) -> None:
    other = session.scalar(
        select(AccountRow.username).where(
            AccountRow.issuer == issuer,
            AccountRow.subject == subject,
            AccountRow.username != username,
        )
    )
    if other is not None:
        raise Conflict(
            f"The subject {subject} is {other} here already.",
            "One person has one account; change the role of that one.",
        )


def set_role(session: Session, order: Order, username: str, role: Role) -> Account:
    """Change what a person may do, from their next request on.

    Raises:
        BadRequest: a machine's role.
        NotFound: nobody of that name.
        Conflict: they are shut out, or are the last admin.
    """
    _person(role)
    row = in_use(session, username)
    if role != Role.ADMIN:
        _not_the_last_admin(session, row)
    before, row.role = row.role, role
    order.record(
        session, "account.role", evidence={"username": username, "from": before, "to": role}
    )
    return wire(row)


def disable(session: Session, order: Order, username: str) -> Account:
    """Shut a person out, from their next request on.

    Raises:
        NotFound: nobody of that name.
        Conflict: they are shut out already, or are the last admin.
    """
    row = in_use(session, username)
    _not_the_last_admin(session, row)
    row.disabled_at = order.now
    order.record(session, "account.disable", evidence={"username": username, "role": row.role})
    return wire(row)


def ensure_first(session: Session, issuer: str, now: datetime) -> list[tuple[str, Role, str]]:
    """Make an account for each role if there is none at all; (name, role, password) of each."""
    session.execute(text("SELECT pg_advisory_xact_lock(hashtext('nivesh.accounts'))"))
    if session.scalar(select(func.count()).select_from(AccountRow)):
        return []
    order = Order("first start", "first accounts of the embedded issuer", uuid7(), now)
    made = [(name, role, passwords.made_up()) for name, role in FIRST]
    for name, role, password in made:
        insert(session, order, issuer, name, role, passwords.hashed(password), None)
    return made


def _person(role: Role) -> None:
    if role == Role.MACHINE:
        raise BadRequest(
            "machine is a token's role, never a person's.",
            "Create a token for a machine; give a person one of the other roles.",
        )


def _row(session: Session, username: str, *, lock: bool = False) -> AccountRow:
    query = select(AccountRow).where(AccountRow.username == username)
    row = session.scalar(query.with_for_update() if lock else query)
    return row if row is not None else _nobody(username)


def _nobody(username: str) -> NoReturn:
    raise NotFound(f"There is no account {username}.", "GET /accounts lists them.")


def in_use(session: Session, username: str) -> AccountRow:
    """The locked row of a person who may come in.

    Raises:
        NotFound: nobody of that name.
        Conflict: they are shut out.
    """
    # All admins first and always in one order, so that two who demote each other cannot both win.
    session.execute(
        select(AccountRow.id)
        .where(AccountRow.role == Role.ADMIN)
        .order_by(AccountRow.id)
        .with_for_update()
    )
    row = _row(session, username, lock=True)
    if row.disabled_at is not None:
        raise Conflict(
            f"{username} is disabled since {row.disabled_at:%d %b %Y, %H:%M} UTC.",
            "Add the account again to let them in.",
        )
    return row


def _not_the_last_admin(session: Session, row: AccountRow) -> None:
    if row.role != Role.ADMIN:
        return
    others = session.scalar(
        select(func.count())
        .select_from(AccountRow)
        .where(
            AccountRow.role == Role.ADMIN,
            AccountRow.issuer == row.issuer,
            AccountRow.disabled_at.is_(None),
            AccountRow.id != row.id,
        )
    )
    if not others:
        raise Conflict(
            f"{row.username} is the last admin; without one nobody could let anyone in.",
            "Make another account an admin first.",
        )
