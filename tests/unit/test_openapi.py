"""What /docs shows: an example of each body, and one that would be taken."""

from typing import Any

import pytest
from fastapi import FastAPI

from backend_api import schemas
from backend_api.main import create_app
from backend_api.settings import BackendSettings
from ops.settings import PROJECT


@pytest.fixture(scope="module")
def described() -> dict[str, Any]:
    """The OpenAPI document; no server is touched for it."""
    app: FastAPI = create_app(
        BackendSettings(
            DATABASE_URL="postgresql://nobody@127.0.0.1:9/none", MODELS_FILE=PROJECT / "models.yaml"
        )
    )
    return app.openapi()


def test_every_body_has_an_example_that_the_schema_takes(described: dict[str, Any]) -> None:
    bodies = {
        operation["requestBody"]["content"]["application/json"]["schema"]["$ref"].split("/")[-1]
        for path in described["paths"].values()
        for operation in path.values()
        if "application/json" in operation.get("requestBody", {}).get("content", {})
    }
    assert len(bodies) >= 10
    for name in bodies:
        (example,) = described["components"]["schemas"][name]["examples"]
        kind = getattr(schemas, name)
        assert kind.model_validate(example).model_dump(mode="json", exclude_unset=True) == example


def test_every_operation_says_what_it_does_and_how_it_fails(described: dict[str, Any]) -> None:
    for path, operations in described["paths"].items():
        for method, operation in operations.items():
            assert operation["description"], f"{method} {path}"
            if path == "/health":
                continue
            assert operation["security"], f"{method} {path} wants a bearer token"
            assert {"400", "401", "403", "404", "409", "503"} <= set(operation["responses"])


def test_the_issuers_own_endpoints_are_not_part_of_the_api(described: dict[str, Any]) -> None:
    assert [path for path in described["paths"] if path.startswith("/oidc")] == []
