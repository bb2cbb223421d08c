"""Text to unit vectors; loads every sentence-transformers model, the bundled one by default.

The only module that loads models. Ours are read without sentence-transformers and torch, whose import
alone takes longer than a start may; any other model brings them in. Knows nothing of the bank or the index.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np
import numpy.typing as npt

from bot.context_model import MODEL_FILE, ContextModel
from bot.errors import EncoderError
from bot.settings import BUNDLED_ENCODER
from bot.static_model import StaticModel
from bot.text import normalise

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

OWN_MODULE = "bot.hashed_features.HashedFeatures"

Vectors = npt.NDArray[np.float32]


class Encoder(Protocol):
    """What turns texts into vectors.

    Attributes:
        name: the model as a person would say it (a folder's or hub model's last name part).
        fingerprint: sha256 over weights and settings; equal fingerprints give equal vectors.
        dimension: numbers per vector.
    """

    name: str
    fingerprint: str
    dimension: int

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Unit vectors, float32, shape (len(texts), dimension)."""
        ...


class SentenceEncoder:
    """Any sentence-transformers folder or hub name.

    Args:
        model: a folder, or the name of a hub model (needs network or a filled cache).
        threads: how many a model of torch may use; None leaves it to torch. One question is too small to share out.

    Raises:
        EncoderError: the model cannot be loaded; says why and what to do.
    """

    def __init__(self, model: str | Path = BUNDLED_ENCODER, threads: int | None = None) -> None:
        folder = Path(model)
        self._own: StaticModel | ContextModel | None = None
        self._other: SentenceTransformer | None = None
        try:
            dimension: int | None
            if folder.is_dir() and _is_own(folder):
                self._own = StaticModel.load(folder)
                dimension = self._own.dimension
            elif (folder / MODEL_FILE).is_file():
                self._own = ContextModel(folder, threads)
                dimension = self._own.dimension
            else:
                self._other = _load_transformer(str(model), threads)
                dimension = self._other.get_embedding_dimension()
        except Exception as error:
            raise EncoderError(
                f"The encoder {model} cannot be loaded ({type(error).__name__}: {error}). "
                "Give a sentence-transformers folder or hub name with NUANXIN_ENCODER or --encoder."
            ) from error
        self.name = folder.name
        self.fingerprint = _fingerprint(folder) if folder.is_dir() else hashlib.sha256(str(model).encode()).hexdigest()
        if not dimension:
            raise EncoderError(f"The encoder {model} does not say how many numbers a vector has.")
        self.dimension = int(dimension)

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Unit vectors, float32, shape (len(texts), dimension), of the normalised texts."""
        if not texts:
            return np.zeros((0, self.dimension), dtype=np.float32)
        if self._own is not None:
            return self._own.encode(texts)
        assert self._other is not None
        vectors = self._other.encode(
            [normalise(text) for text in texts], batch_size=64, show_progress_bar=False, convert_to_numpy=True, normalize_embeddings=True
        )
        return np.ascontiguousarray(vectors, dtype=np.float32)


def load_context(model: str, threads: int | None = None) -> SentenceEncoder | None:
    """The second encoder; None where the setting is empty.

    Raises:
        EncoderError: it cannot be loaded.
    """
    return SentenceEncoder(model, threads) if model else None


def _load_transformer(model: str, threads: int | None) -> SentenceTransformer:
    import torch  # here: see the head of this file
    from sentence_transformers import SentenceTransformer

    if threads is not None:
        torch.set_num_threads(threads)
    return SentenceTransformer(model, device="cpu", trust_remote_code=False)


def _is_own(folder: Path) -> bool:
    path = folder / "modules.json"
    return path.is_file() and [str(module.get("type")) for module in json.loads(path.read_text(encoding="utf-8"))] == [OWN_MODULE]


def _fingerprint(folder: Path) -> str:
    """sha256 over the names and contents of a model folder's files, model cards left out."""
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.suffix.lower() != ".md" and "__pycache__" not in path.parts:
            digest.update(path.relative_to(folder).as_posix().encode() + b"\0")
            with path.open("rb") as file:
                digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()
