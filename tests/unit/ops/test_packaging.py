"""What an installation gets: locked libraries, and every file that is not Python."""

import re
import tomllib
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from ops.settings import PROJECT

PYPROJECT: dict[str, Any] = tomllib.loads((PROJECT / "pyproject.toml").read_text())
LOCK = (PROJECT / "requirements.lock").read_text().splitlines()
PINS = [line for line in LOCK if line and not line.startswith("#")]
PACKAGES = ("backend_api", "console", "inference", "ops", "shared", "training")
# Installed first and by itself: docs/decisions/0005-locked-versions-without-hashes.md
APART = {"torch"}


def normal(requirement: str) -> str:
    """A package's name as indexes compare it."""
    name = re.split(r"[\[<>=!~; ]", requirement.strip())[0]
    return re.sub(r"[-_.]+", "-", name).lower()


def test_each_line_of_the_lock_is_a_name_and_an_exact_version() -> None:
    exact = re.compile(r"[A-Za-z0-9._-]+==[A-Za-z0-9.!]+")
    assert [line for line in PINS if not exact.fullmatch(line)] == []


def test_the_lock_holds_what_the_project_asks_for_and_not_the_tools_of_the_environment() -> None:
    project = PYPROJECT["project"]
    asked = [*project["dependencies"], *project["optional-dependencies"]["dev"]]
    locked = {normal(line) for line in PINS}
    assert {normal(one) for one in asked} - locked == APART
    assert locked & {"pip", "setuptools", "wheel", "nivesh-console"} == set()
    assert sorted(PINS, key=str.upper) == PINS


def test_files_that_are_not_python_are_installed_too() -> None:
    known: dict[str, list[str]] = PYPROJECT["tool"]["setuptools"]["package-data"]

    def is_known(file: Path) -> bool:
        package, inner = file.parts[0], Path(*file.parts[1:]).as_posix()
        return any(fnmatch(inner, pattern) for pattern in known.get(package, []))

    files = [p.relative_to(PROJECT) for name in PACKAGES for p in (PROJECT / name).rglob("*")]
    others = [f for f in files if f.suffix not in ("", ".py", ".pyc") and "." in f.name]
    assert [f.as_posix() for f in others if not is_known(f)] == []
