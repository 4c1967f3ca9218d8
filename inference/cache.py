"""Artefacts on disk, each in a folder named by its digest: fetched once, then nobody is needed."""

import os
import shutil
from collections.abc import Callable, Collection
from contextlib import suppress
from pathlib import Path
from tempfile import mkdtemp

from filelock import FileLock

from inference.models import ArtefactError
from inference.routing import Key, Version
from shared.artifact import folder_digest


class Cache:
    """The artefact folders of one host, shared by its workers.

    ``fetch(uri, folder)`` puts an artefact's files into a folder that does not exist yet.
    """

    def __init__(self, folder: Path, fetch: Callable[[str, Path], None]) -> None:
        self._folder = folder
        self._fetch = fetch
        folder.mkdir(parents=True, exist_ok=True)

    def get(self, key: Key, version: Version) -> Path:
        """A folder whose digest has just been found right.

        A copy on disk that has changed is thrown away and fetched anew.

        Raises:
            ArtefactError: no digest or address is registered, or what was fetched has another
                digest.  FetchError: it is not on disk, and cannot be fetched now.
        """
        if not key.digest:
            raise ArtefactError("no digest is registered, so nothing shows that it is unaltered")
        place = self._place(key.digest)
        with FileLock(self._folder / f"{place.name}.lock"):
            if place.exists():
                if folder_digest(place) == key.digest:
                    os.utime(place)
                    return place
                shutil.rmtree(place)
            if version.uri is None:
                raise ArtefactError("no artefact address is registered")
            self._bring(version.uri, key.digest, place)
        return place

    def _bring(self, uri: str, digest: str, place: Path) -> None:
        draft = Path(mkdtemp(prefix="draft.", dir=self._folder))
        try:
            self._fetch(uri, draft / "artefact")
            found = folder_digest(draft / "artefact")
            if found != digest:
                raise ArtefactError(
                    f"the artefact's digest is {found}, registered is {digest}:"
                    " it was altered after registration"
                )
            (draft / "artefact").rename(place)
            os.utime(place)
        except FileNotFoundError as error:
            raise ArtefactError(f"the artefact is empty: {error}") from error
        finally:
            shutil.rmtree(draft, ignore_errors=True)

    def clear(self, keep: Collection[str]) -> int:
        """Remove folders of other digests than these; how many were removed."""
        kept = {self._place(digest) for digest in keep if digest}
        gone = [p for p in self._folder.glob("[0-9a-f]*") if p.is_dir() and p not in kept]
        for place in gone:
            with FileLock(self._folder / f"{place.name}.lock"):
                shutil.rmtree(place, ignore_errors=True)
        return len(gone)

    def prune(self, needed: Collection[str], now: float, keep_seconds: float) -> int:
        """Note that these digests are needed, and remove what nobody has noted for so long.

        Every worker of the host notes what it needs; ``now`` in epoch seconds.
        """
        for place in map(self._place, filter(None, needed)):
            with suppress(FileNotFoundError):
                os.utime(place, (now, now))
        old = [
            p for p in self._folder.iterdir() if p.is_dir() and self._is_old(p, now - keep_seconds)
        ]
        for place in old:
            with FileLock(self._folder / f"{place.name}.lock"):
                # Somebody may have needed it since.
                if self._is_old(place, now - keep_seconds):
                    shutil.rmtree(place, ignore_errors=True)
        return len(old)

    @staticmethod
    def _is_old(place: Path, before: float) -> bool:
        try:
            return place.stat().st_mtime < before
        except FileNotFoundError:
            return False

    def _place(self, digest: str) -> Path:
        return self._folder / digest.removeprefix("sha256:")
