"""The rules of the house: sizes, names, and which way imports may point."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("backend_api", "console", "inference", "ops", "shared", "training")
FILES = sorted(p for package in PACKAGES for p in (ROOT / package).rglob("*.py"))
LONGEST_FILE, LONGEST_PAGE, LONGEST_FUNCTION = 300, 150, 50
# The wire contract: schemas with over forty small classes, read top to bottom like a document.
LONG_BY_DESIGN = {"backend_api/schemas.py"}

# One outside system, one importing module (or folder) per package.
OUTSIDE: dict[str, dict[str, str | set[str]]] = {
    "mlflow": {
        "backend_api": "backend_api/mlflow_registry.py",
        # One speaks to the server; the other runs a folder, in the process of one version.
        "inference": {"inference/artefacts.py", "inference/runtimes/child.py"},
        "training": "training/tracking.py",
        "shared": "shared/mlflow_utils.py",
    },
    "redis": {"inference": "inference/features.py", "ops": "ops/stack/redis.py"},
    "prometheus_api_client": {"backend_api": "backend_api/prometheus.py"},
    "evidently": {"backend_api": "backend_api/evidently_report.py"},
    "procrastinate": {"backend_api": "backend_api/queue.py"},
    "psycopg2": {"ops": "ops/stack/postgres/server.py"},
}
# Packages meet through the wire, HTTP and the database schema only.
MAY_IMPORT = {
    "backend_api": {"backend_api", "shared"},
    "console": {"console", "backend_api.schemas", "backend_api.states"},
    "inference": {"inference", "backend_api.schemas", "backend_api.states", "shared",
                  "training.serving"},
    # What drift is watched on is counted at training as it is at serving.
    "training": {"training", "shared.TELEMETRY_OFF", "shared.profile", "shared.reference"},
    "shared": {"shared", "backend_api.schemas", "backend_api.states"},
    "ops": set(PACKAGES),
}  # fmt: skip
PURE = [
    *sorted((ROOT / "backend_api/rules").glob("*.py")),
    *sorted((ROOT / "inference/fallback").glob("*.py")),
    *(
        ROOT / f"shared/{name}.py"
        for name in ("columns", "counting", "profile", "reference", "split")
    ),
    ROOT / "inference/filling.py",
    ROOT / "inference/pairs.py",
    ROOT / "console/charts.py",
    ROOT / "backend_api/states.py",
]
IMPURE = {"sqlalchemy", "httpx2", "requests", "time", "os", "socket", "random", "subprocess",
          "streamlit", "mlflow", "redis", "psycopg", "psycopg2"}  # fmt: skip


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def within(module: str, allowed: set[str]) -> bool:
    return any(module == name or module.startswith(f"{name}.") for name in allowed)


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_sizes(path: Path) -> None:
    lines = path.read_text().splitlines()
    limit = LONGEST_PAGE if "console/pages/" in path.as_posix() else LONGEST_FILE
    if name_of(path) not in LONG_BY_DESIGN:
        assert len(lines) <= limit, f"{len(lines)} lines: split by noun"
    for node in ast.walk(ast.parse("\n".join(lines))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or 0) - node.lineno + 1
            assert length <= LONGEST_FUNCTION, f"{node.name} has {length} lines"


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_packages_meet_only_where_they_may(path: Path) -> None:
    package = name_of(path).split("/")[0]
    ours = [m for m in imports(path) if m.split(".")[0] in PACKAGES]
    stray = [m for m in ours if not within(m, MAY_IMPORT[package])]
    assert stray == []


@pytest.mark.parametrize("system", OUTSIDE)
def test_an_outside_system_is_imported_in_one_place_per_package(system: str) -> None:
    for path in FILES:
        package = name_of(path).split("/")[0]
        if any(m.split(".")[0] == system for m in imports(path)):
            allowed = OUTSIDE[system].get(package, set())
            named = {allowed} if isinstance(allowed, str) else allowed
            assert name_of(path) in named, f"{system} is imported here too"


@pytest.mark.parametrize("path", [p for p in PURE if p.exists()], ids=name_of)
def test_decisions_do_no_io_and_read_no_clock(path: Path) -> None:
    assert {m.split(".")[0] for m in imports(path)} & IMPURE == set()
    assert ".now(" not in path.read_text()


def test_streamlit_is_only_in_the_console_and_its_client_knows_nothing_of_it() -> None:
    users = {name_of(p) for p in FILES if any(m.split(".")[0] == "streamlit" for m in imports(p))}
    assert {u.split("/")[0] for u in users} <= {"console"}
    assert users & {"console/client.py", "console/transport.py"} == set()
    assert "console/charts.py" not in users


def test_no_drawer_for_everything() -> None:
    forbidden = {"utils.py", "helpers.py", "common.py", "misc.py"}
    folders = {"services", "repositories", "managers", "utils"}
    assert [name_of(p) for p in FILES if p.name in forbidden] == []
    assert [name_of(p) for p in FILES if folders & set(p.relative_to(ROOT).parts)] == []


def test_nothing_is_left_behind() -> None:
    marks = ("TO" + "DO", "FIX" + "ME", "X" * 3)
    left = [name_of(p) for p in FILES if any(f"{mark}:" in p.read_text() for mark in marks)]
    assert left == []
