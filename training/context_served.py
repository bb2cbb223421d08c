"""What the second encoder's training may start from instead: the served model of an earlier version, its eight bits undone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from bot.context_model import MODEL_FILE
from training.context_train import HEADS


def served_weights(folder: Path) -> dict[str, npt.NDArray[Any]]:
    """Weights by the names of `context_train.Encoder`, float32, of a model that `training.context_export` made.

    Raises:
        SystemExit: the folder holds no such model.
    """
    import onnx  # of the extra `train`
    from onnx import numpy_helper

    if not (folder / MODEL_FILE).is_file():
        raise SystemExit(f"{folder}: no {MODEL_FILE} in it")
    graph = onnx.load(folder / MODEL_FILE).graph
    stored = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    found: dict[str, npt.NDArray[Any]] = {}
    for name, values in stored.items():
        if name.endswith("_quantized"):
            base = name.removesuffix("_quantized")
            steps, zero = stored[f"{base}_scale"], stored[f"{base}_zero_point"]
            whole = (values.astype(np.float32) - zero.astype(np.float32)) * steps
            turned = base.endswith("_Transposed")
            found[base.removesuffix("_Transposed")] = np.ascontiguousarray(whole.T) if turned else whole
        elif values.dtype == np.float32 and not name.endswith("_scale"):
            found["places.weight" if name == "places" else name] = values.copy()
    width = found["words.weight"].shape[1]
    for name in [name for name in found if ".joint." in name]:  # attention's divisor was moved into the query
        found[name][:width] *= (width // HEADS) ** 0.5
    return found
