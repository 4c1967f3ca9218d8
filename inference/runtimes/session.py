"""ONNX Runtime, as all versions in the worker use it."""

from pathlib import Path

import onnxruntime

from inference.models import ArtefactError


def open_graph(path: Path, threads: int = 1) -> onnxruntime.InferenceSession:
    """A session on so many threads of the CPU.

    Raises:
        ArtefactError: the file is missing, or is no graph that ONNX Runtime can run.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    try:
        return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    # ONNX Runtime's errors share no base but Exception.
    except Exception as error:
        raise ArtefactError(f"{path.name} cannot be loaded: {str(error)[:300]}") from error
