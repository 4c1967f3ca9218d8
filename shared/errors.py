"""The shape that every error has on the wire, whichever of our services answers."""

from typing import Any


class ShapedError(Exception):
    """``hint`` says what to do next; ``details`` holds values for programs."""

    status = 500

    def __init__(self, message: str, hint: str = "", **details: Any) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.details = details

    @property
    def body(self) -> dict[str, Any]:
        """The one shape; ``error`` is the name of the class."""
        return {
            "error": type(self).__name__,
            "message": self.message,
            "hint": self.hint,
            "details": self.details,
        }
