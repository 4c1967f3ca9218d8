"""What a process of the control plane is built of, handed down instead of looked up."""

from dataclasses import dataclass

from sqlalchemy import Engine

from backend_api.catalog import Catalog
from backend_api.inference_client import InferenceClient
from backend_api.mlflow_registry import MlflowRegistry
from backend_api.settings import BackendSettings


@dataclass(frozen=True)
class Context:
    """Built once in ``main`` or ``worker``."""

    settings: BackendSettings
    engine: Engine
    catalog: Catalog
    inference: InferenceClient
    mlflow: MlflowRegistry
