"""What the issuer's endpoints work with."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request
from sqlalchemy import Engine

from backend_api.identity.issuer.door import Door
from backend_api.settings import BackendSettings


@dataclass(frozen=True)
class Issuer:
    """Built once per application."""

    settings: BackendSettings
    engine: Engine
    door: Door


def _issuer(request: Request) -> Issuer:
    built: Issuer = request.app.state.issuer
    return built


Here = Annotated[Issuer, Depends(_issuer)]
