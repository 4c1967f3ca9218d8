"""Real parts for tests: PostgreSQL, Redis and MLflow, each started once per run."""

import functools
import itertools
import os
import shutil
import signal
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx2
import psycopg2
import pytest
import uvicorn
from argon2 import PasswordHasher
from hypothesis import HealthCheck, settings
from psycopg2 import sql
from sqlalchemy import Engine

from backend_api import catalog as catalogs
from backend_api import db
from backend_api.catalog import Catalog
from backend_api.context import Context
from backend_api.identity import passwords
from backend_api.main import build, create_app
from backend_api.settings import BackendSettings
from backend_api.states import Role
from ops.settings import PROJECT
from ops.stack import mlflow, redis
from ops.stack.home import Home
from ops.stack.ports import any_free as free_port
from ops.stack.postgres import place, server
from ops.stack.process import Child, Spec
from shared.trust import certificates
from tests.bearers import bearer
from tests.inference_process import Inference
from tests.makers import ADMIN_TOKEN, wait_until
from tests.prompt_server import PromptServer

REQUIRE_ALL = os.environ.get("NIVESH_REQUIRE_ALL") == "1"
_count = itertools.count(1)
MEMORY, LEAST_MEMORY_BYTES = Path("/dev/shm"), 4e9
# Each test has a database of its own, and no test cuts the machine's power: what a killed server
# had written is the kernel's all the same. Nor does anybody guess its passwords.
QUICK = "\nfsync = off\nfull_page_writes = off\nscram_iterations = 1\n"

# How fast a busy machine makes examples says nothing of what is tested.
settings.register_profile("nivesh", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("nivesh")


def leave_out(reason: str) -> None:
    """Skip a test that this machine cannot run; where all are required, fail it."""
    if REQUIRE_ALL:
        pytest.fail(reason)
    pytest.skip(reason)


def pytest_configure() -> None:
    """SIGTERM ends a run as Ctrl-C does: whatever tests have started is ended with it."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Quick tests first: a broken rule should not wait for the stack to start.

    The stack goes on working beside all that comes after it, so its tests come last; of these, the
    longest file first, so that nobody waits for it in the end.
    """
    tiers = ("house", "unit", "contract", "api", "pages", "flow")
    root = Path(__file__).parent

    def tier(item: pytest.Item) -> tuple[int, bool]:
        folder = item.path.relative_to(root).parts[0]
        place = tiers.index(folder) if folder in tiers else len(tiers)
        return place, item.path.name != "test_demo.py"

    items.sort(key=tier)


@pytest.fixture(autouse=True, scope="session")
def _quick_hashes() -> Iterator[None]:
    """Passwords are hashed as always, only with the least of memory and time."""
    with pytest.MonkeyPatch.context() as patch:
        least = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
        patch.setattr(passwords, "_hasher", least)
        yield


@pytest.fixture(autouse=True, scope="session")
def _kept_engines() -> Iterator[None]:
    """One engine for each address: each compiles all statements anew, a sixth of a test's work.

    What is disposed of are its connections.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(db, "create", functools.cache(db.create))
        yield


@pytest.fixture(autouse=True)
def _needs_chromium(request: pytest.FixtureRequest) -> None:
    if request.node.get_closest_marker("browser") and not Path("/usr/bin/chromium").exists():
        leave_out("chromium is missing: apt-get install chromium")


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    """Where the session's servers write: in memory, where there is enough of it.

    Each test has a database of its own, which is hundreds of files; a disk takes eight times as
    long to make them.
    """
    if not MEMORY.is_dir() or shutil.disk_usage(MEMORY).free < LEAST_MEMORY_BYTES:
        yield Home.at(tmp_path_factory.mktemp("home"))
        return
    with tempfile.TemporaryDirectory(prefix="nivesh-test-", dir=MEMORY) as folder:
        made = Home.at(Path(folder) / "home")
        # The server of PostgreSQL may be another user's, who has to get through.
        for path in (Path(folder), made.path):
            path.chmod(0o711)
        yield made


def _run(spec: Spec) -> Child:
    child = Child(spec, changed=lambda: None)
    child.start()
    wait_until(spec.ready, 90, f"{spec.name} answers; see {spec.log}")
    return child


@dataclass
class Postgres:
    """The session's server."""

    port: int
    secrets: dict[str, str]
    names: list[str] = field(default_factory=list)
    """Databases that were, and are no more."""

    def url(self, database: str) -> str:
        """Address of a database, as the role that owns it."""
        return server.url(self.port, self.secrets, database)

    def admin(self, statement: str, *names: str) -> None:
        """Run a statement about databases or roles as the superuser."""
        connection = psycopg2.connect(
            host="127.0.0.1", port=self.port, user="postgres", dbname="postgres",
            password=self.secrets["postgres_password"],
        )  # fmt: skip
        connection.autocommit = True
        try:
            with connection.cursor() as cursor:
                cursor.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))
        finally:
            connection.close()

    @contextmanager
    def fresh(self) -> Iterator[str]:
        """Address of a new, migrated database that lives as long as the block."""
        # A name is used again, so that the engine of its address is too: see `_kept_engines`.
        name = self.names.pop() if self.names else f"test_{next(_count)}"
        self.admin("CREATE DATABASE {} TEMPLATE {} OWNER nivesh", name, "template_nivesh")
        yield self.url(name)
        self.admin("DROP DATABASE {} WITH (FORCE)", name)
        self.names.append(name)


@pytest.fixture(scope="session")
def postgres(home: Home) -> Iterator[Postgres]:
    """An embedded PostgreSQL with a migrated template database."""
    where = place.place(home)
    secrets = home.secrets()
    server.create(where, secrets["postgres_password"])
    with (where.data / "postgresql.conf").open("a") as conf:
        conf.write(QUICK)
    port = free_port()
    child = _run(server.spec(where, port, home.log("postgres")))
    try:
        server.prepare(where, port, secrets)
        running = Postgres(port, secrets)
        running.admin("ALTER ROLE nivesh CREATEDB")
        running.admin("CREATE DATABASE {} OWNER nivesh", "template_nivesh")
        engine = db.create(running.url("template_nivesh"))
        db.migrate(engine)
        engine.dispose()
        yield running
    finally:
        child.stop()
        shutil.rmtree(where.folder, ignore_errors=True)


@pytest.fixture
def database_url(postgres: Postgres) -> Iterator[str]:
    """A fresh, migrated database of this test's own."""
    with postgres.fresh() as url:
        yield url


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    """An engine on the test's database."""
    made = db.create(database_url)
    yield made
    made.dispose()


@pytest.fixture(scope="session")
def catalog() -> Catalog:
    """The project's own models.yaml."""
    return catalogs.load(PROJECT / "models.yaml")


@pytest.fixture(scope="session")
def redis_port(home: Home) -> Iterator[int]:
    """Port of a real Redis."""
    port = free_port()
    child = _run(redis.spec(home, port, dict(os.environ)))
    yield port
    child.stop()


@pytest.fixture(scope="session")
def mlflow_uri(home: Home, postgres: Postgres) -> Iterator[str]:
    """Address of a real MLflow server on the same PostgreSQL."""
    port = free_port()
    child = _run(mlflow.spec(home, port, postgres.url("mlflow"), dict(os.environ)))
    yield f"http://127.0.0.1:{port}"
    child.stop()


@dataclass
class Backend:
    """A served backend_api on a test's database."""

    url: str
    settings: BackendSettings
    engine: Engine
    console_port: int
    _tokens: dict[str, str] = field(default_factory=dict)
    clients: list[httpx2.Client] = field(default_factory=list)

    def token(self, role: Role | str, name: str | None = None) -> str:
        """Secret of a token with the role; the same one for the same name."""
        name = name or f"test-{role}"
        if name not in self._tokens:
            self._tokens[name] = bearer(self.engine, self.settings.account_issuer, name, Role(role))
        return self._tokens[name]

    def client(self, role: Role | str, name: str | None = None) -> httpx2.Client:
        """An HTTP client that carries the role's token."""
        made = httpx2.Client(
            base_url=self.url,
            headers={"Authorization": f"Bearer {self.token(role, name)}"},
            timeout=20,
            verify=certificates(),
        )
        self.clients.append(made)
        return made

    def close(self) -> None:
        """Close all clients that tests were given."""
        for client in self.clients:
            client.close()


@pytest.fixture
def models_file() -> Path:
    """What the backend knows of models; a test that needs another one brings a fixture."""
    return PROJECT / "models.yaml"


@pytest.fixture
def backend(
    database_url: str, engine: Engine, tmp_path: Path, models_file: Path,
    request: pytest.FixtureRequest,
) -> Iterator[Backend]:  # fmt: skip
    """backend_api over HTTP on a free port; marker-free tests get no MLflow."""
    port, console_port = free_port(), free_port()
    issuer = f"http://127.0.0.1:{port}/oidc"
    wants_mlflow = "mlflow_uri" in request.fixturenames
    settings = BackendSettings(
        DATABASE_URL=database_url,
        MLFLOW_TRACKING_URI=(
            request.getfixturevalue("mlflow_uri") if wants_mlflow else "http://127.0.0.1:9"
        ),
        REDIS_PORT=9, PROMETHEUS_URL="http://127.0.0.1:9", INFERENCE_URL="http://127.0.0.1:9",
        INFERENCE_ADMIN_TOKEN=ADMIN_TOKEN, MODELS_FILE=models_file,
        NIVESH_HOME=tmp_path, BACKEND_PORT=port, OIDC_ISSUER=issuer,
        OIDC_CLIENT_SECRET="test-client-secret",
        OIDC_REDIRECT_URIS=(
            "http://127.0.0.1:8501/oauth2callback,"
            f"http://127.0.0.1:{console_port}/oauth2callback"
        ),
    )  # fmt: skip
    config = uvicorn.Config(create_app(settings), port=port, log_level="error", lifespan="on")
    with PromptServer(config).running():
        served = Backend(f"http://127.0.0.1:{port}", settings, engine, console_port)
        yield served
        served.close()


@pytest.fixture
def context(mlflow_uri: str, backend: Backend) -> Iterator[Context]:
    """What a worker process is built of."""
    made = build(backend.settings)
    yield made
    made.engine.dispose()


@pytest.fixture
def backend_url(backend: Backend) -> str:
    """Where the test's backend listens."""
    return backend.url


@pytest.fixture
def token_for(backend: Backend) -> Callable[[str], str]:
    """Secret of a token by role."""
    return lambda role: backend.token(role)


@pytest.fixture
def serve(database_url: str, tmp_path: Path) -> Iterator[Callable[..., Inference]]:
    """Starts `python -m inference` on the test's database; ``env`` changes its settings."""
    begun: list[Inference] = []

    def start(**env: str) -> Inference:
        home = tmp_path / "inference-home"
        home.mkdir(exist_ok=True)
        begun.append(Inference(home, database_url, **env))
        return begun[-1].start()

    yield start
    for inference in begun:
        inference.close()


@pytest.fixture
def inference(serve: Callable[..., Inference]) -> Inference:
    """An inference service with two workers and nothing but PostgreSQL beside it."""
    return serve()
