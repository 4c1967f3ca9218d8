"""From a torch network to one ONNX file, and the check that both answer alike."""

import logging
import warnings
from collections.abc import Mapping, Sequence
from io import BytesIO
from typing import Any

import numpy as np
import onnx
import onnxruntime
import torch
from numpy.typing import NDArray
from torch import nn

Array = NDArray[np.generic]

# One is the size that the exporter takes for a constant, so examples have more of everything.
BATCH = 4


def export(
    network: nn.Module,
    feeds: Mapping[str, Array],
    output_names: Sequence[str],
    dynamic_axes: Mapping[str, Mapping[int, str]],
) -> onnx.ModelProto:
    """ONNX graph of ``network``, with inputs in the order of ``feeds``, weights inside.

    ``dynamic_axes`` names, per input, the axes whose size is free. Sizes in ``feeds`` must be
    two or more on these axes.
    """
    tensors = tuple(torch.from_numpy(array) for array in feeds.values())
    dims = {
        name: torch.export.Dim(name) for axes in dynamic_axes.values() for name in axes.values()
    }
    shapes = tuple(
        {axis: dims[label] for axis, label in dynamic_axes.get(name, {}).items()} for name in feeds
    )
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        program = torch.onnx.export(
            network,
            tensors,
            dynamo=True,
            verbose=False,
            input_names=list(feeds),
            output_names=list(output_names),
            dynamic_shapes=shapes,
        )
    if program is None:
        raise RuntimeError("torch returned no ONNX program")
    model = program.model_proto
    onnx.checker.check_model(model)
    return model


def session(model: onnx.ModelProto) -> onnxruntime.InferenceSession:
    """ONNX Runtime session on the CPU with one thread."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    buffer = BytesIO()
    onnx.save_model(model, buffer)
    return onnxruntime.InferenceSession(
        buffer.getvalue(), options, providers=["CPUExecutionProvider"]
    )


def run_native(network: nn.Module, feeds: Mapping[str, Array]) -> list[Array]:
    """Outputs of the torch network as arrays."""
    with torch.inference_mode():
        outputs: Any = network(*(torch.from_numpy(array) for array in feeds.values()))
    found = outputs if isinstance(outputs, tuple) else (outputs,)
    return [tensor.numpy() for tensor in found]


def max_abs_diff(left: Sequence[Array], right: Sequence[Array]) -> float:
    """Largest absolute difference between two lists of arrays of the same shapes."""
    pairs = zip(left, right, strict=True)
    return max(float(np.max(np.abs(a.astype(float) - b.astype(float)))) for a, b in pairs)
