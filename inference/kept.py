"""The last good routing on disk: enough to serve again when nobody else is up."""

import os
from pathlib import Path

import structlog
from filelock import FileLock
from pydantic import BaseModel, ValidationError

from inference.routing import Wanted

log = structlog.get_logger()


class _File(BaseModel):
    routes: list[Wanted]


class Kept:
    """One file that all workers of a host write the same thing to."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._file = folder / "routing.json"
        self._lock = FileLock(folder / "routing.lock")

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
        """Keep what this worker serves now; a newer epoch that is there already stays."""
        try:
            with self._lock:
                there = {w.model_name: w for w in self.read()}
                for row in served:
                    before = there.get(row.model_name)
                    if before is None or before.epoch <= row.epoch:
                        there[row.model_name] = row
                self._replace(_File(routes=list(there.values())))
        except OSError as error:
            log.error("routing.not_kept", file=str(self._file), reason=str(error))

    def _replace(self, content: _File) -> None:
        draft = self._file.with_name(f".routing.{os.getpid()}")
        with draft.open("w") as handle:
            handle.write(content.model_dump_json(indent=1))
            handle.flush()
            os.fsync(handle.fileno())
        draft.replace(self._file)
