"""What routes share: the context, a reading session, who may ask, and how a write is done."""

from collections.abc import Callable
from typing import Annotated

from fastapi import Depends, Request
from sqlalchemy.orm import Session

from backend_api import db
from backend_api.context import Context
from backend_api.identity.dependencies import allowed
from backend_api.identity.verify import Caller
from backend_api.operations.order import Order, perform
from backend_api.schemas import ErrorBody, Outcome, Write
from backend_api.states import Permission


def context(request: Request) -> Context:
    """What this application was built of."""
    built: Context = request.app.state.context
    return built


Ctx = Annotated[Context, Depends(context)]
# "function" scope: the commit comes before the answer leaves, and its failure is the answer.
Reading = Annotated[Session, Depends(db.session, scope="function")]

# Who is asking, by the right that it takes.
Reader = Annotated[Caller, Depends(allowed(Permission.READ))]
Analyst = Annotated[Caller, Depends(allowed(Permission.READ_PREDICTIONS))]
Registrar = Annotated[Caller, Depends(allowed(Permission.REGISTER))]
Asker = Annotated[Caller, Depends(allowed(Permission.REQUEST_PROMOTION))]
OnCall = Annotated[Caller, Depends(allowed(Permission.ROLL_BACK))]
Responder = Annotated[Caller, Depends(allowed(Permission.RESPOND))]
Approver = Annotated[Caller, Depends(allowed(Permission.APPROVE))]
Admin = Annotated[Caller, Depends(allowed(Permission.MANAGE_ACCOUNTS))]

ERRORS = {
    code: {"model": ErrorBody, "description": text}
    for code, text in {
        400: "The request cannot be understood; the message names the field.",
        401: "No valid credentials.",
        403: "No right to do this.",
        404: "No such thing.",
        409: "The state has moved, or a rule forbids it; the message says what.",
        503: "A part that this needs does not answer; nothing was changed.",
    }.items()
}


def actor(caller: Caller) -> str:
    """How ledger rows name the caller."""
    return caller.username if caller.kind == "person" else f"token:{caller.username}"


def write(
    ctx: Context,
    caller: Caller,
    operation: str,
    body: Write,
    act: Callable[[Session, Order], Outcome],
) -> Outcome:
    """Carry out a write once, as the caller, in one transaction."""
    return perform(ctx.engine, operation, body, actor(caller), db.now(), act)
