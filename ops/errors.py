"""What the `nivesh` command says instead of a traceback."""


class OpsError(Exception):
    """One sentence on what is wrong and one on the way out."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(f"{message} {hint}".strip())
        self.message = message
        self.hint = hint
