"""Make the served model of the second encoder from trained weights: eight-bit weights for ONNX Runtime, and the tokenizer.

python -m training.context_export --plan var/context-plan.npz --weights var/context.pt --out bot/models/context-zh-v3
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.nn import functional

from bot.context_model import MODEL_FILE, TOKENIZER_FILE, ContextModel
from training.context_train import BEGIN, END, HEADS, Encoder, Plan
from training.encoder import read_jsonl

STARTING_SHARE = 0.15
"""Share of the weights that training started from. For context-zh-v2 0.3 was, of 0 to 0.5, the one with which worker_dev and the
half of our held-out questions tagged "fit" find their entry first most often; when taught further 0, 0.15 and 0.3 did the same."""


def mix(trained: Mapping[str, torch.Tensor], start: Mapping[str, torch.Tensor], share: float) -> dict[str, torch.Tensor]:
    """Weights between two sets of them, `share` of the second."""
    return {name: (1 - share) * trained[name].float() + share * start[name] for name in start}


class Exported(torch.nn.Module):
    """One text's pieces to its unit vector: what the ONNX file holds. The same arithmetic in fewer operations."""

    def __init__(self, encoder: Encoder) -> None:
        super().__init__()
        self.words, self.norm, self.layers = encoder.words, encoder.norm, encoder.layers
        self.places = torch.nn.Parameter(encoder.places.weight.detach().clone())
        self.width = encoder.words.weight.shape[1]
        layer: Any
        for layer in self.layers:  # what attention divides by goes into the query
            layer.joint.weight.data[: self.width] *= (self.width // HEADS) ** -0.5
            layer.joint.bias.data[: self.width] *= (self.width // HEADS) ** -0.5

    def forward(self, input_ids: torch.Tensor) -> torch.Tensor:
        states = self.norm(self.words(input_ids[0]) + self.places[: input_ids.shape[1]])
        layer: Any
        for layer in self.layers:
            query, key, value = layer.joint(states).reshape(-1, 3, HEADS, self.width // HEADS).permute(1, 2, 0, 3)
            seen = torch.softmax(query @ key.transpose(1, 2), dim=-1) @ value
            states = layer.norm(states + layer.out(seen.transpose(0, 1).reshape(-1, self.width)))
            states = layer.last(states + layer.outer(functional.gelu(layer.inner(states))))
        return functional.normalize(states.mean(0, keepdim=True), dim=1)


def export(encoder: Encoder, tokenizer: str, out: Path) -> None:
    """Eight-bit weights for ONNX Runtime, and the tokenizer. Changes the encoder."""
    from onnxruntime.quantization import QuantType, quantize_dynamic  # needs the package onnx, which only training has

    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        whole = Path(folder) / "whole.onnx"
        torch.onnx.export(
            Exported(encoder.eval()),
            (torch.tensor([[BEGIN, 7, 8, 9, END]]),),
            str(whole),
            input_names=["input_ids"],
            output_names=["vector"],
            dynamic_axes={"input_ids": {1: "tokens"}},
            dynamo=False,
            opset_version=17,
        )
        quantize_dynamic(whole, out / MODEL_FILE, weight_type=QuantType.QInt8, per_channel=True)
    (out / TOKENIZER_FILE).write_text(tokenizer, encoding="utf-8")


def legal_recall(model: ContextModel, data: Path) -> dict[str, float]:
    """R@1 and R@10 of the dev groups' other wordings over the legal FAQ, by plain cosine."""
    bank = [str(row["question"]) for row in read_jsonl(data / "eval/diac_bank.jsonl")]
    place = {text: number for number, text in enumerate(bank)}
    groups = [list(map(str, row["equivalent"])) for row in read_jsonl(data / "eval/diac_dev_groups.jsonl")]  # type: ignore[call-overload]
    asked = [(text, place[group[0]]) for group in groups for text in group[1:]]
    scores = model.encode([text for text, _ in asked]) @ model.encode(bank).T
    right = np.asarray([number for _, number in asked])
    rank = (scores > scores[np.arange(len(right)), right][:, None]).sum(axis=1)
    return {"n": len(right), "R@1": round(float((rank < 1).mean()), 4), "R@10": round(float((rank < 10).mean()), 4)}


def main(arguments: Sequence[str] | None = None) -> None:
    """Command line entry; the last line is one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--plan", type=Path, default=Path("var/context-plan.npz"))
    parser.add_argument("--weights", type=Path, default=Path("var/context.pt"))
    parser.add_argument("--out", type=Path, default=Path("bot/models/context-zh-v3"))
    parser.add_argument("--starting-share", type=float, default=STARTING_SHARE)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"), help="to measure the served model on, where at hand")
    chosen = parser.parse_args(arguments)
    stored = torch.load(chosen.weights, map_location="cpu", weights_only=True)
    plan = Plan(chosen.plan)
    export(Encoder(mix(stored, plan.weights(), chosen.starting_share)), plan.tokenizer, chosen.out)
    figures: dict[str, object] = {"bytes": sum(file.stat().st_size for file in chosen.out.iterdir())}
    if (chosen.data / "eval").is_dir():
        figures |= legal_recall(ContextModel(chosen.out), chosen.data)
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
