"""No library tells its maker what it is used for."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

# A build server keeps ONNX Runtime quiet by itself, which would hide that we do not.
NAMES = ("PATH", "PYTHONPATH", "LANG")


@pytest.mark.parametrize(
    "module", ["inference.runtimes.session", "training.quantize", "bench.floor"]
)
def test_onnx_runtime_keeps_no_identifier_of_the_machine(module: str, tmp_path: Path) -> None:
    bare = {name: os.environ[name] for name in NAMES if name in os.environ}
    subprocess.run(
        [sys.executable, "-c", f"import {module}, onnxruntime"],
        env={**bare, "HOME": str(tmp_path)}, check=True, timeout=120,
    )  # fmt: skip
    assert [path for path in tmp_path.rglob("*") if "onnxruntime" in path.name] == []


@pytest.mark.parametrize("package", ["backend_api", "bench", "inference", "tests", "training"])
def test_each_package_turns_telemetry_off_before_anything_else(package: str) -> None:
    bare = {name: os.environ[name] for name in NAMES if name in os.environ}
    said = subprocess.run(
        [sys.executable, "-c",
         f"import os, {package}; print(os.environ['ORT_DISABLE_TELEMETRY'],"
         " os.environ['MLFLOW_DISABLE_TELEMETRY'], os.environ['DO_NOT_TRACK'])"],
        env=bare, check=True, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert said.stdout.split() == ["1", "true", "true"]
