"""Every error the backend answers with: one tree, one shape, one handler.

ConsoleError 500
├── BadRequest 400       ├── Unauthenticated 401   ├── Forbidden 403
├── NotFound 404         ├── StaleView 409         ├── Conflict 409
├── PromotionBlocked 409 ├── PayloadTooLarge 413   └── Unavailable 503
"""

from shared.errors import ShapedError


class ConsoleError(ShapedError):
    """Base of the tree."""


class BadRequest(ConsoleError):
    """The payload cannot be understood or is out of range."""

    status = 400


class Unauthenticated(ConsoleError):
    """No credentials, or credentials that do not hold."""

    status = 401


class Forbidden(ConsoleError):
    """Known, but without the right."""

    status = 403


class NotFound(ConsoleError):
    """No such thing under that name."""

    status = 404


class StaleView(ConsoleError):
    """The caller decided on a state that has moved since; ``details`` carries the new one."""

    status = 409


class Conflict(ConsoleError):
    """The state of things forbids the move."""

    status = 409


class PromotionBlocked(ConsoleError):
    """At least one gate is not passed; ``details["gates"]`` says which and why."""

    status = 409


class PayloadTooLarge(ConsoleError):
    """The body exceeds the limit."""

    status = 413


class Unavailable(ConsoleError):
    """Something outside is not answering; nothing was changed."""

    status = 503
