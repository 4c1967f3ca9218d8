"""The caller of a request, and whether they may do what they ask."""

from dataclasses import dataclass
from typing import Literal

from backend_api.errors import Forbidden
from backend_api.states import Permission, Role, may


@dataclass(frozen=True)
class Caller:
    """``username`` is an account's or a token's name; ``subject`` is what the issuer calls it."""

    username: str
    role: Role
    kind: Literal["person", "machine"] = "person"
    subject: str = ""


def require(caller: Caller, permission: Permission) -> None:
    """Return if the caller holds the right.

    Raises:
        Forbidden: they do not.
    """
    if not may(caller.role, permission):
        raise Forbidden(
            f"{caller.username} is {caller.role}, which may not {permission}.",
            "Ask somebody who may, or an admin for another role.",
            role=caller.role,
            permission=permission.name,
        )
