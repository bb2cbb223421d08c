"""Train the second encoder, a small multilingual transformer, as `training/context_plan.py` laid out.

    python -m training.context_train --plan var/context-plan.npz --weights var/context.pt

It learns as the first encoder does: cross entropy over in-batch cosines times 20 with hard negatives, and half as much from
positive to anchor (Henderson et al. 2017, arXiv 1705.00652). `training/context_export.py` makes the served model of the weights.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch.nn import functional
from tqdm import tqdm

BEGIN, PAD, END, UNKNOWN = 0, 1, 2, 3
HEADS = 12
SCALE = 20.0
MOST_PIECES = 48
"""Pieces of a text that are read in training where the plan does not say: passages are cut there."""
TOGETHER = 64
"""Texts that are worked on at once without an accelerator."""
Arrays = dict[str, npt.NDArray[Any]]


@dataclass(frozen=True, slots=True)
class Recipe:
    """How the plan is followed."""

    rate: float = 1.2e-4
    warm_up: int = 100  # steps, or an eighth of all where that is less
    slowest: float = 0.02
    drop: float = 0.1
    decay: float = 0.01
    seed: int = 5


class Layer(torch.nn.Module):
    """One layer of BERT (Devlin et al. 2018, arXiv 1810.04805), queries, keys and values in one matrix."""

    def __init__(self, width: int, inner: int, drop: float) -> None:
        super().__init__()
        self.joint, self.out = torch.nn.Linear(width, 3 * width), torch.nn.Linear(width, width)
        self.inner, self.outer = torch.nn.Linear(width, inner), torch.nn.Linear(inner, width)
        self.norm, self.last = (torch.nn.LayerNorm(width, eps=1e-12) for _ in range(2))
        self.drop = drop

    def forward(self, states: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        count, length, width = states.shape
        query, key, value = self.joint(states).view(count, length, 3, HEADS, width // HEADS).permute(2, 0, 3, 1, 4)
        seen = functional.scaled_dot_product_attention(query, key, value, attn_mask=mask, dropout_p=self.drop if self.training else 0.0)
        out = self.out(seen.transpose(1, 2).reshape(count, length, width))
        states = self.norm(states + functional.dropout(out, self.drop, self.training))
        outer = self.outer(functional.gelu(self.inner(states)))
        return self.last(states + functional.dropout(outer, self.drop, self.training))  # type: ignore[no-any-return]


class Encoder(torch.nn.Module):
    """Pieces of texts to unit vectors: the mean of the last layer.

    Args:
        weights: by the names of the parameters, as `context_plan.Start.arrays` gives them.
        drop: share of numbers left out in training.
    """

    def __init__(self, weights: dict[str, torch.Tensor], drop: float = 0.0) -> None:
        super().__init__()
        (pieces, width), places = weights["words.weight"].shape, len(weights["places.weight"])
        layers = 1 + max(int(name.split(".")[1]) for name in weights if name.startswith("layers."))
        inner = len(weights["layers.0.inner.weight"])
        self.words, self.places = torch.nn.Embedding(pieces, width), torch.nn.Embedding(places, width)
        self.norm = torch.nn.LayerNorm(width, eps=1e-12)
        self.layers = torch.nn.ModuleList(Layer(width, inner, drop) for _ in range(layers))
        self.drop = drop
        self.load_state_dict(weights)

    def forward(self, ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """float32, shape (texts, width); ids and mask of shape (texts, pieces)."""
        states = self.norm(self.words(ids) + self.places.weight[: ids.shape[1]])
        states = functional.dropout(states, self.drop, self.training)
        for layer in self.layers:
            states = layer(states, mask[:, None, None, :])
        weights = mask.unsqueeze(-1).to(states.dtype)
        return functional.normalize(((states * weights).sum(1) / weights.sum(1)).float(), dim=1)


class Plan:
    """The file of `training/context_plan.py`: texts and batches.

    Args:
        steps: only the first of the batches; None takes all.
    """

    def __init__(self, path: Path, steps: int | None = None) -> None:
        with np.load(path) as file:
            self._arrays: Arrays = {name: file[name] for name in file.files}
        self._starts = np.concatenate([[0], self._arrays["ends"][:-1]])
        self._longest = int(self._arrays.get("longest", MOST_PIECES))
        self._lengths = np.minimum(self._arrays["ends"] - self._starts, self._longest)
        self.steps = min(steps or 10**9, len(self._arrays["anchors"]))

    @property
    def tokenizer(self) -> str:
        """What the pieces are, as JSON."""
        return self._arrays["tokenizer"].tobytes().decode()

    def weights(self) -> dict[str, torch.Tensor]:
        """What training starts from, float32."""
        named = {name.removeprefix("weights/"): array for name, array in self._arrays.items() if name.startswith("weights/")}
        return {name: torch.from_numpy(array.astype(np.float32)) for name, array in named.items()}

    def lengths(self, numbers: npt.NDArray[np.int32]) -> npt.NDArray[np.int64]:
        """Pieces of texts, by their numbers."""
        return np.asarray(self._lengths[numbers], dtype=np.int64)

    def texts(self, numbers: npt.NDArray[np.int32]) -> tuple[torch.Tensor, torch.Tensor]:
        """Pieces, int64, and which are there; both of shape (texts, longest)."""
        places = np.arange(int(self._lengths[numbers].max()))
        there = places < self._lengths[numbers][:, None]
        ids = np.full(there.shape, PAD, dtype=np.int64)
        ids[there] = self._arrays["pieces"][(self._starts[numbers][:, None] + places)[there]]
        ids[(there.sum(axis=1) == self._longest), self._longest - 1 :] = END
        return torch.from_numpy(ids), torch.from_numpy(there)

    def batches(self) -> Iterator[tuple[npt.NDArray[np.int32], npt.NDArray[np.int32], npt.NDArray[np.bool_]]]:
        """Anchors, what they are compared with (their positives in the same order first), and which of these are no negatives."""
        for step in range(self.steps):
            anchors, positives, groups = (self._arrays[name][step] for name in ("anchors", "positives", "groups"))
            negatives = self._arrays["negatives"][step].ravel()
            others = np.concatenate([positives, negatives[negatives >= 0]])
            same = (others == anchors[:, None]) | (others == positives[:, None])
            rows = np.arange(len(anchors))
            same[:, : len(anchors)] |= groups == groups[:, None]
            same[rows, rows] = False
            yield anchors, others, same


def encode(encoder: Encoder, plan: Plan, numbers: npt.NDArray[np.int32], device: str) -> torch.Tensor:
    """Vectors of texts, by their numbers; without an accelerator those of like length together, for padding takes time there."""
    parts = 1 if device == "cuda" else -(-len(numbers) // TOGETHER)
    order = np.argsort(plan.lengths(numbers), kind="stable") if parts > 1 else np.arange(len(numbers))
    with torch.autocast(device, dtype=torch.bfloat16):
        found = [encoder(*(part.to(device) for part in plan.texts(numbers[some]))) for some in np.array_split(order, parts)]
    return torch.cat(found)[torch.from_numpy(np.argsort(order)).to(device)]


def train(plan: Plan, recipe: Recipe, device: str) -> Encoder:
    """Go once through the plan, the rate rising and then falling linearly."""
    torch.manual_seed(recipe.seed)
    encoder = Encoder(plan.weights(), recipe.drop).to(device).train()
    matrices = [weight for weight in encoder.parameters() if weight.ndim > 1]
    vectors = [weight for weight in encoder.parameters() if weight.ndim <= 1]
    groups = [{"params": matrices, "weight_decay": recipe.decay}, {"params": vectors, "weight_decay": 0.0}]
    optimiser = torch.optim.AdamW(groups, lr=recipe.rate, fused=device == "cuda")

    def pace(step: int) -> float:
        return min((step + 1) / min(recipe.warm_up, plan.steps // 8 + 1), max(recipe.slowest, 1 - step / plan.steps))

    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, pace)
    loss = torch.zeros(())
    with tqdm(plan.batches(), total=plan.steps, disable=not sys.stderr.isatty(), unit="batch") as bar:
        for step, (anchors, others, same) in enumerate(bar):
            asked, found = (encode(encoder, plan, numbers, device) for numbers in (anchors, others))
            scores = (asked @ found.T * SCALE).masked_fill(torch.from_numpy(same).to(device), -1e4)
            right = torch.arange(len(asked), device=device)
            back = functional.cross_entropy(scores[:, : len(asked)].T, right)
            loss = functional.cross_entropy(scores, right) + 0.5 * back
            optimiser.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
            torch.nn.utils.clip_grad_norm_(encoder.parameters(), 1.0)
            optimiser.step()
            schedule.step()
            if step % 100 == 0:
                bar.set_postfix(loss=f"{loss.item():.3f}")
                if bar.disable:
                    print(f"step {step}/{plan.steps} loss {loss.item():.3f}", flush=True)
    return encoder


def main(arguments: Sequence[str] | None = None) -> None:
    """Command line entry; the last line is one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--plan", type=Path, default=Path("var/context-plan.npz"))
    parser.add_argument("--weights", type=Path, default=Path("var/context.pt"), help="half precision weights go here")
    parser.add_argument("--steps", type=int, help="follow only the beginning of the plan")
    parser.add_argument("--rate", type=float, default=Recipe().rate, help="highest rate of learning")
    chosen = parser.parse_args(arguments)
    began, plan = time.monotonic(), Plan(chosen.plan, chosen.steps)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    encoder = train(plan, Recipe(rate=chosen.rate), device)
    torch.save({name: weight.half().cpu() for name, weight in encoder.state_dict().items()}, chosen.weights)
    on = torch.cuda.get_device_name() if device == "cuda" else device
    print(json.dumps({"steps": plan.steps, "device": on, "seconds": round(time.monotonic() - began)}))


if __name__ == "__main__":
    main()
