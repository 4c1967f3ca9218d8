"""The real frame and pages over the real backend, opened by people with real ID tokens."""

import threading
from collections.abc import Callable, Iterator
from functools import cache

import pytest
from streamlit.components.v2 import manifest_scanner
from streamlit.testing.v1 import AppTest

from backend_api.catalog import Catalog
from backend_api.states import Role
from console.settings import settings
from ops.settings import PROJECT
from tests import people
from tests.conftest import Backend
from tests.makers import Registry
from tests.workers import Workers

PEOPLE = [role for role in Role if role != Role.MACHINE]
SHELL = PROJECT / "console" / "shell" / "app.py"
Opened = Callable[..., AppTest]


@pytest.fixture(autouse=True, scope="session")
def _one_scan() -> Iterator[None]:
    """Streamlit reads the metadata of all that is installed once per process; AppTest, per app."""
    with pytest.MonkeyPatch.context() as patch:
        scan = cache(manifest_scanner.scan_component_manifests)
        patch.setattr(manifest_scanner, "scan_component_manifests", scan)
        yield


@pytest.fixture
def registry(backend: Backend, catalog: Catalog) -> Registry:
    """v1.0.0 was in production and verified, v1.1.0 is."""
    made = Registry(backend.engine, catalog)
    made.promoted("v1.0.0")
    made.promoted("v1.1.0")
    return made


@pytest.fixture
def workers(registry: Registry) -> Iterator[Workers]:
    """Two live workers, a and b, that serve what was decided; whoever lives goes on beating."""
    made = Workers(registry.engine)
    made.live("a", "b")
    made.acknowledge("a", "b")
    ended = threading.Event()

    def beat() -> None:
        while not ended.wait(1):
            made.beat()

    thread = threading.Thread(target=beat, name="workers")
    thread.start()
    yield made
    ended.set()
    thread.join()


@pytest.fixture
def console(backend: Backend, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The console's process knows the test's backend."""
    monkeypatch.setenv("BACKEND_URL", backend.url)
    settings.cache_clear()
    yield
    settings.cache_clear()


@pytest.fixture
def cut(console: None, monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Takes the backend out of the console's reach."""

    def do() -> None:
        monkeypatch.setenv("BACKEND_URL", "http://127.0.0.1:9")
        settings.cache_clear()

    return do


@pytest.fixture
def opened(backend: Backend, console: None) -> Opened:
    """Opens a page as somebody with the role; further words are the address's parameters."""
    bearers: dict[str, str] = {}

    def open_page(role: Role | str, page: str = "overview", **query: str) -> AppTest:
        if role not in bearers:
            client = people.badge(backend, role)
            bearers[role] = client.headers["Authorization"].removeprefix("Bearer ")
        app = AppTest.from_file(SHELL, default_timeout=30)
        app.user = {
            "is_logged_in": True,
            "sub": f"{role} at {backend.url}",
            "tokens": {"id": bearers[role]},
        }
        app.run()
        if page != "overview":
            app.switch_page(f"../pages/{page}.py")
            app.query_params.update(query)
            app.run()
        assert not app.exception, app.exception
        return app

    return open_page
