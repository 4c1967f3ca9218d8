"""What more than one part of the project uses; importing it turns the libraries' telemetry off."""

import os

# Read when the library is imported: ONNX Runtime otherwise makes an identifier of the machine and
# sends its maker the names, producers and hashes of models. Every package imports this one first.
TELEMETRY_OFF = {
    "DO_NOT_TRACK": "true",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "ORT_DISABLE_TELEMETRY": "1",
}
os.environ.update(TELEMETRY_OFF)
