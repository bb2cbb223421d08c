"""The default encoder's model: hashed characters, pairs and words, summed with learned weights.

A sentence-transformers input module, so that a folder with this model loads like any other. Knows
nothing of banks or indexes. The recipe is the one in the model card beside the weights.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self
from zlib import crc32

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from sentence_transformers.base.modules import InputModule

from bot.text import cut, grams, normalise, squeeze

WEIGHTS_FILE = "model.safetensors"


def hash_features(text: str, rows: int) -> list[int]:
    """Row numbers (0..rows-1) of a raw text's features, each feature as often as it occurs.

    Features are the characters, the character pairs and the jieba words of three or more characters
    of the normalised text without punctuation; words carry a mark so that they do not share a row
    with anything else by meaning. crc32 is fixed by its standard, so rows are the same everywhere.
    """
    clean = normalise(text)
    features = list(grams(squeeze(clean)))
    features.extend(f"w:{word}" for word in cut(clean) if len(word) >= 3)
    if not features:
        features = ["∅"]
    return [crc32(feature.encode()) % rows for feature in features]


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
        self._arrays: tuple[Any, Any] | None = None

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

    def encode_one(self, text: str) -> np.ndarray[Any, np.dtype[np.float32]]:
        """What `forward` gives for one text, float32 of shape (1, dimension), without its detours: a question waits for it."""
        ids = hash_features(text, self.rows)
        if self._arrays is None:
            self._arrays = (self.get_buffer("table").numpy(), self.get_buffer("scale").numpy())
        table, scale = self._arrays
        summed = scale[ids] @ table[ids].astype(np.float32)
        return np.asarray(summed / max(float(np.linalg.norm(summed)), 1e-12), dtype=np.float32)[None, :]

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
