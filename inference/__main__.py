"""Entry of ``python -m inference``."""

import os
import sys

from pydantic import ValidationError

from inference import catalogue
from inference.handover import logs
from inference.preload import preload
from inference.privacy import Privacy
from inference.settings import InferenceSettings
from inference.supervisor import StartError, Supervisor


def main() -> None:
    """Run the service; what prevents it is one sentence on standard error."""
    logs()
    # Each worker answers one request at a time; more threads would only contend, and none may be
    # there when workers are forked.
    os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")
    try:
        settings = InferenceSettings()
        Privacy(catalogue.load(settings.models_file), settings.privacy_key)
        supervisor = Supervisor(settings)
    except ValidationError as error:
        found = [f"{e['loc'][0]}: {e['msg']}" for e in error.errors()]
        sys.exit(f"Inference cannot start: {'; '.join(found)}. Set these variables.")
    except (StartError, catalogue.CatalogueError, OSError) as error:
        sys.exit(f"Inference cannot start: {error}")
    preload()
    supervisor.run()


if __name__ == "__main__":
    main()
