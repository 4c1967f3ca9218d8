"""The predict endpoints in OpenAPI, from what is in production right now."""

from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from inference import request_schema
from inference.catalogue import Entry
from inference.routing import Snapshot

PROBLEM = {
    "type": "object",
    "required": ["error", "message", "hint", "details"],
    "properties": {
        "error": {"type": "string"},
        "message": {"type": "string"},
        "hint": {"type": "string"},
        "details": {"type": "object"},
    },
}
REFUSALS = {
    "400": "Not JSON, or a field is wrong; the message names it.",
    "401": "A certain version was asked for without the admin token.",
    "404": "No such model, or that version is not loaded.",
    "408": "The request was not whole in time.",
    "413": "The body is too large.",
    "429": "More requests than can be answered in time; Retry-After says when to come again.",
    "431": "Address and headers are too large.",
    "500": "The version failed on this request.",
    "503": "No version is loaded.",
}
LABELS = {
    "model": {"type": "string"},
    "version": {"type": "string", "examples": ["v1.2.0"]},
    "arm": {"type": "string", "enum": ["production", "canary", "staging", "fallback"]},
    "epoch": {"type": "integer"},
    "prediction_id": {"type": "string", "format": "uuid"},
    "latency_ms": {"type": "number"},
}
FEATURES = {
    "type": "object",
    "description": "Fields that were left out: what the feature store had of them, and had not."
    " Only where it was asked.",
    "properties": {
        **{
            name: {"type": "array", "items": {"type": "string"}}
            for name in ("from_store", "missing", "stale")
        },
        "store": {"type": "string", "enum": ["timeout", "unreachable", "skipped"]},
    },
}
SOURCE = {
    "type": "string", "enum": ["fallback"],
    "description": "Only where rules answered, since no version can or none should.",
}  # fmt: skip


INFER = {
    "tags": ["v2"],
    "operationId": "infer",
    "summary": "Predictions by the Open Inference Protocol",
    "description": "Rows of columns, or whole tensors; `parameters` may hold the entity key."
    " GET /v2/models/{model} says what a model takes.",
    "parameters": [
        {"name": "model", "in": "path", "required": True, "schema": {"type": "string"}}
    ],
    "requestBody": {
        "required": True, "content": {"application/json": {"schema": request_schema.INFER}},
    },
    "responses": {
        "200": {
            "description": "A tensor per field of the answer.",
            "content": {"application/json": {"schema": request_schema.INFERRED}},
        },
        **{code: {"description": text} for code, text in REFUSALS.items()},
    },
}  # fmt: skip


def document(app: FastAPI, entries: Mapping[str, Entry], snapshot: Snapshot) -> dict[str, Any]:
    """OpenAPI of the whole service."""
    made = get_openapi(
        title=app.title, version=app.version, description=app.description, routes=app.routes
    )
    made["components"].setdefault("schemas", {})["Problem"] = PROBLEM
    for name, entry in entries.items():
        made["paths"][entry.endpoint] = {"post": _operation(name, entry, snapshot)}
    made["paths"]["/v2/models/{model}/infer"] = {"post": INFER}
    return made


def _operation(name: str, entry: Entry, snapshot: Snapshot) -> dict[str, Any]:
    problem = {"application/json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {
        "tags": ["predict"],
        "operationId": f"predict_{name}",
        "summary": entry.title,
        "description": entry.description,
        "parameters": [
            {
                "name": "X-Nivesh-Version", "in": "header", "required": False,
                "schema": {"type": "string", "examples": ["v1.2.0"]},
                "description": "Ask one loaded version; needs the admin token.",
            }
        ],
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {
                    "schema": _request(name, entry, snapshot), "example": entry.example,
                }
            },
        },
        "responses": {
            "200": {
                "description": "What the model says, and which version said it.",
                "content": {
                    "application/json": {
                        "schema": {
                            "type": "object", "required": list(LABELS),
                            "properties": {**LABELS, "features": FEATURES, "source": SOURCE},
                        }
                    }
                },
            },
            **{code: {"description": text, "content": problem} for code, text in REFUSALS.items()},
        },
    }  # fmt: skip


def _request(name: str, entry: Entry, snapshot: Snapshot) -> dict[str, Any]:
    """Schema of a request, from the production version's own."""
    route = snapshot.routes.get(name)
    arm = route.arm(None) if route is not None else None
    if arm is None:
        return {"type": "object"}
    return request_schema.row(arm.model.schema)
