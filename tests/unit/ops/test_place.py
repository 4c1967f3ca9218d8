"""Where the embedded PostgreSQL lies: where its user can get, and nobody else's folder."""

import os
from pathlib import Path

import pytest

from ops.errors import OpsError
from ops.stack.home import Home
from ops.stack.postgres import place

NOBODY = (65534, 65534)


def test_another_user_gets_only_through_open_folders(tmp_path: Path) -> None:
    folder = tmp_path / "open" / "inner"
    folder.mkdir(parents=True)
    # What lies above belongs to the test run and may be closed.
    above = all(os.stat(p).st_mode & 0o001 for p in [tmp_path, *tmp_path.parents])
    folder.parent.chmod(0o755)
    folder.chmod(0o755)
    assert place.reachable(folder, NOBODY) is above
    folder.parent.chmod(0o700)
    assert not place.reachable(folder, NOBODY)
    assert place.reachable(Path("/"), NOBODY)


def test_a_home_whose_path_is_too_long_for_a_socket_is_left_for_a_short_one(
    tmp_path: Path,
) -> None:
    home = Home.at(tmp_path / ("x" * 90) / "home")
    found = place.place(home)
    try:
        assert found.folder.parent == Path("/var/tmp")
        assert place.place(home) == found
    finally:
        found.folder.rmdir()


def test_a_folder_that_is_a_link_is_not_used(tmp_path: Path) -> None:
    home = Home.at(tmp_path / ("x" * 90) / "home")
    folder = place.place(home).folder
    folder.rmdir()
    folder.symlink_to(tmp_path)
    try:
        with pytest.raises(OpsError, match="belongs to another user"):
            place.place(home)
    finally:
        folder.unlink()
