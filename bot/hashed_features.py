"""The default encoder as a sentence-transformers input module: for training, and for whoever loads its folder there.

Knows nothing of banks or indexes. The recipe is the one in the model card beside the weights; the
server does the same arithmetic in numpy (bot.static_model).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from sentence_transformers.base.modules import InputModule

from bot.static_model import WEIGHTS_FILE, hash_features


class HashedFeatures(InputModule):  # type: ignore[misc]
    """Sum of int8 rows times their scales, normalised to length one.

    Args:
        table: int8, shape (rows, dimension).
        scale: float, shape (rows,); one step of the row's numbers, with the learned weight folded in.
    """

    config_file_name = "hashed_features.json"
    save_in_root = True

    def __init__(self, table: torch.Tensor, scale: torch.Tensor) -> None:
        super().__init__()
        if table.ndim != 2 or scale.shape != (table.shape[0],):
            raise ValueError(f"table {tuple(table.shape)} and scale {tuple(scale.shape)} do not fit together")
        self.register_buffer("table", table.to(torch.int8))
        self.register_buffer("scale", scale.to(torch.float32))
        self.rows, self.dimension = table.shape

    @property
    def max_seq_length(self) -> None:
        return None

    def get_embedding_dimension(self) -> int:
        """Numbers per sentence."""
        return int(self.dimension)

    def preprocess(self, inputs: Sequence[Any], prompt: str | None = None, **_: Any) -> dict[str, torch.Tensor]:
        """Row numbers of all texts in one line, and where each text begins."""
        rows = [hash_features((prompt or "") + str(text), self.rows) for text in inputs]
        starts = np.cumsum([0] + [len(row) for row in rows[:-1]])
        flat = [number for row in rows for number in row]
        return {"input_ids": torch.tensor(flat), "starts": torch.from_numpy(starts)}

    def forward(self, features: dict[str, Any], **_: Any) -> dict[str, Any]:
        """Adds `sentence_embedding`, float32 of shape (texts, dimension), each of length one."""
        ids: torch.Tensor = features["input_ids"]
        starts: torch.Tensor = features["starts"]
        table: torch.Tensor = self.get_buffer("table")
        scale: torch.Tensor = self.get_buffer("scale")
        values = table[ids].to(torch.float32) * scale[ids].unsqueeze(1)
        ends = torch.cat([starts[1:], starts.new_tensor([len(ids)])])
        summed = torch.segment_reduce(values, "sum", lengths=ends - starts)
        features["sentence_embedding"] = torch.nn.functional.normalize(summed, dim=1)
        return features

    def save(self, output_path: str, *args: Any, safe_serialization: bool = True, **kwargs: Any) -> None:
        """Weights and shape into a folder; the scales as half precision."""
        folder = Path(output_path)
        tensors = {"table": self.get_buffer("table"), "scale": self.get_buffer("scale").to(torch.float16)}
        save_file(tensors, folder / WEIGHTS_FILE)
        shape = {"rows": self.rows, "dimension": self.dimension}
        (folder / self.config_file_name).write_text(json.dumps(shape, indent=1) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, model_name_or_path: str, subfolder: str = "", **kwargs: Any) -> Self:
        """Read a folder written by `save`."""
        tensors = load_file(Path(model_name_or_path) / subfolder / WEIGHTS_FILE)
        return cls(tensors["table"], tensors["scale"])
