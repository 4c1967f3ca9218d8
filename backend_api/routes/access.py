"""Who gets in: the caller themselves, accounts of people, tokens of machines."""

from fastapi import APIRouter

from backend_api import db
from backend_api.identity import accounts, tokens
from backend_api.identity.dependencies import Known
from backend_api.operations.order import once
from backend_api.routes.edge import ERRORS, Admin, Ctx, Reading, actor
from backend_api.schemas import Account, Explain, Me, NewAccount, NewToken, SetRole, Token
from backend_api.states import Permission, may

router = APIRouter(tags=["access"], responses=ERRORS)  # type: ignore[arg-type]


@router.get("/me")
def me(caller: Known) -> Me:
    """Who the caller is, and what they may do at this moment."""
    return Me(
        subject=caller.subject,
        username=caller.username,
        role=caller.role,
        permissions=[p.value for p in Permission if may(caller.role, p)],
    )


@router.get("/accounts")
def list_accounts(session: Reading, caller: Admin) -> list[Account]:
    """Everybody who may sign in, or once could."""
    return accounts.every(session)


@router.post("/accounts", status_code=201)
def add_account(body: NewAccount, ctx: Ctx, caller: Admin) -> Account:
    """Let somebody in, or in again."""
    return accounts.add(ctx.engine, ctx.settings, body, actor(caller), db.now())


@router.post("/accounts/{username}/role")
def set_role(username: str, body: SetRole, ctx: Ctx, caller: Admin) -> Account:
    """Change what somebody may do, from their next request on."""
    return once(
        ctx.engine,
        f"set role of {username}",
        body,
        actor(caller),
        db.now(),
        lambda s, o: accounts.set_role(s, o, username, body.role),
        Account,
    )


@router.post("/accounts/{username}/disable")
def disable_account(username: str, body: Explain, ctx: Ctx, caller: Admin) -> Account:
    """Shut somebody out at once; never the last admin."""
    return once(
        ctx.engine,
        f"disable account {username}",
        body,
        actor(caller),
        db.now(),
        lambda s, o: accounts.disable(s, o, username),
        Account,
    )


@router.get("/tokens")
def list_tokens(session: Reading, caller: Admin) -> list[Token]:
    """All tokens, without their secrets."""
    return tokens.every(session)


@router.post("/tokens", status_code=201)
def create_token(body: NewToken, ctx: Ctx, caller: Admin) -> Token:
    """Make a machine's token, with a role that decides nothing.

    Its secret is in this answer and nowhere else, not even in a repeat of it.
    """
    return tokens.make(ctx.engine, body, actor(caller), db.now())


@router.post("/tokens/{name}/revoke")
def revoke_token(name: str, body: Explain, ctx: Ctx, caller: Admin) -> Token:
    """Make a token worthless at once."""
    return once(
        ctx.engine,
        f"revoke token {name}",
        body,
        actor(caller),
        db.now(),
        lambda s, o: tokens.revoke(s, o, name),
        Token,
    )
