"""The last good routing on disk: enough to serve again when nobody else is up."""

import os
from pathlib import Path

import structlog
from pydantic import BaseModel, ValidationError

from inference.routing import Wanted

log = structlog.get_logger()


class _File(BaseModel):
    routes: list[Wanted]


class Kept:
    """One file that each worker of a host writes, whole, when what it serves has changed."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._file = folder / "routing.json"

    def read(self) -> list[Wanted]:
        """The rows that were served last; empty if there are none that can be understood."""
        try:
            return _File.model_validate_json(self._file.read_bytes()).routes
        except FileNotFoundError:
            return []
        except (OSError, ValidationError) as error:
            log.error("routing.kept_unreadable", file=str(self._file), reason=str(error)[:300])
            return []

    def write(self, served: list[Wanted]) -> None:
        """Keep what is served now, in place of what was there."""
        try:
            self._replace(_File(routes=served))
        except OSError as error:
            log.error("routing.not_kept", file=str(self._file), reason=str(error))

    def _replace(self, content: _File) -> None:
        draft = self._file.with_name(f".routing.{os.getpid()}")
        with draft.open("w") as handle:
            handle.write(content.model_dump_json(indent=1))
            handle.flush()
            os.fsync(handle.fileno())
        draft.replace(self._file)
