"""Training of the second encoder: what a plan holds, how it is followed, and that the served graph does the same arithmetic."""

import json
import random
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import torch

from eval.tolerance import homophones
from knowledge.bank import read_bank
from knowledge.records import Entry
from training.context_asked import Asked, AskedRows, read_asked, read_typed, typed_id
from training.context_export import Exported, export, mix
from training.context_rows import NEGATIVES, BankRows, Noise, Recipe, Texts, TripleRows
from training.context_served import served_weights
from training.context_start import make_tokenizer
from training.context_train import END, MOST_PIECES, PAD, Encoder, Plan, train
from training.context_train import Recipe as Pace
from training.encoder import Triple, read_jsonl

WIDTH, INNER, PIECES = 24, 32, 40


def small_weights(seed: int = 0) -> dict[str, torch.Tensor]:
    """Of a transformer with one layer of WIDTH numbers."""
    draw = torch.Generator().manual_seed(seed)

    def some(*shape: int) -> torch.Tensor:
        return torch.randn(shape, generator=draw) * 0.3

    shapes = {
        "words.weight": (PIECES, WIDTH),
        "places.weight": (64, WIDTH),
        "norm.weight": (WIDTH,),
        "norm.bias": (WIDTH,),
        "layers.0.joint.weight": (3 * WIDTH, WIDTH),
        "layers.0.joint.bias": (3 * WIDTH,),
        "layers.0.out.weight": (WIDTH, WIDTH),
        "layers.0.out.bias": (WIDTH,),
        "layers.0.inner.weight": (INNER, WIDTH),
        "layers.0.inner.bias": (INNER,),
        "layers.0.outer.weight": (WIDTH, INNER),
        "layers.0.outer.bias": (WIDTH,),
    }
    shapes |= {f"layers.0.{norm}.{end}": (WIDTH,) for norm in ("norm", "last") for end in ("weight", "bias")}
    return {name: some(*shape) for name, shape in shapes.items()}


@pytest.fixture
def plan_file(tmp_path: Path) -> Path:
    """Sixty texts of five pieces; even numbers begin alike, odd ones too, and two of a kind belong together."""
    draw = np.random.default_rng(0)
    texts = [[0, 5 + number % 2, 10 + number % 30, 7 + number % 2, 2] for number in range(60)]
    anchors = draw.integers(0, 30, size=(30, 8)) * 2 + draw.integers(0, 2, size=(30, 8))
    positives = (anchors + 2 * draw.integers(1, 29, size=anchors.shape)) % 60
    negatives = ((anchors + 1) % 60)[..., None].repeat(NEGATIVES, axis=2)
    np.savez(
        tmp_path / "plan.npz",
        anchors=anchors.astype(np.int32),
        positives=positives.astype(np.int32),
        negatives=negatives.astype(np.int32),
        groups=(anchors % 2).astype(np.int32),
        pieces=np.asarray([piece for text in texts for piece in text], dtype=np.uint16),
        ends=np.cumsum([len(text) for text in texts]),
        tokenizer=np.frombuffer(b"{}", dtype=np.uint8),
        **{f"weights/{name}": weight.numpy() for name, weight in small_weights().items()},
    )
    return tmp_path / "plan.npz"


def test_a_plan_that_is_followed_teaches(plan_file: Path) -> None:
    plan = Plan(plan_file)
    before, after = Encoder(plan.weights()).eval(), train(plan, Pace(rate=1e-2, warm_up=2), "cpu").eval()
    ids, there = plan.texts(np.arange(60, dtype=np.int32))

    def apart(encoder: Encoder) -> float:
        """How much nearer texts of a kind are than texts of different kinds."""
        with torch.no_grad():
            vectors = encoder(ids, there).numpy()
        cosines = vectors @ vectors.T
        same = np.equal.outer(np.arange(60) % 2, np.arange(60) % 2)
        return float(cosines[same].mean() - cosines[~same].mean())

    assert apart(after) > apart(before) + 0.5
    assert after.words.weight.shape == (PIECES, WIDTH)


def test_texts_of_a_plan_are_padded_and_cut(tmp_path: Path, plan_file: Path) -> None:
    with np.load(plan_file) as file:
        arrays = {name: file[name] for name in file.files}
    long = list(range(3, 39)) * 2
    arrays["pieces"] = np.asarray([0, 9, 2, *long, 2], dtype=np.uint16)
    arrays["ends"] = np.asarray([3, 3 + len(long) + 1])
    np.savez(tmp_path / "long.npz", **arrays)
    ids, there = Plan(tmp_path / "long.npz").texts(np.asarray([0, 1], dtype=np.int32))
    assert ids.shape == (2, MOST_PIECES)
    assert ids[0, :4].tolist() == [0, 9, 2, PAD]
    assert there.sum(dim=1).tolist() == [3, MOST_PIECES]
    assert ids[1, -1] == END
    assert ids[1, :3].tolist() == long[:3]


def test_what_belongs_together_is_no_negative(plan_file: Path) -> None:
    plan = Plan(plan_file, steps=1)
    ((anchors, others, same),) = plan.batches()
    assert plan.steps == 1
    assert others[: len(anchors)].tolist() == [int(n) for n in others[:8]]
    for row, anchor in enumerate(anchors):
        assert not same[row, row]  # its own positive
        for place, other in enumerate(others):
            if place == row:
                continue
            meant = other in (anchor, others[row]) or (place < len(anchors) and anchors[place] % 2 == anchor % 2)
            assert same[row, place] == meant
        assert not same[row, len(anchors) + NEGATIVES * row]  # its hard negative counts against it


def test_the_served_graph_does_the_same_arithmetic() -> None:
    encoder = Encoder(small_weights(3)).eval()
    ids = torch.tensor([[0, 5, 9, 11, 17, 2]])
    with torch.no_grad():
        expected = encoder(ids, torch.ones_like(ids, dtype=torch.bool))
        padded = encoder(torch.cat([ids, torch.full((1, 3), PAD)], dim=1), torch.tensor([[True] * 6 + [False] * 3]))
        found = Exported(encoder)(ids)
    assert torch.allclose(found, expected, atol=1e-5)
    assert torch.allclose(padded, expected, atol=1e-5)


def test_weights_go_part_of_the_way_back() -> None:
    trained, start = small_weights(1), small_weights(2)
    assert all(torch.equal(mix(trained, start, 0.0)[name], trained[name]) for name in start)
    assert all(torch.allclose(mix(trained, start, 1.0)[name], start[name]) for name in start)
    half = mix({name: weight.half() for name, weight in trained.items()}, start, 0.5)
    assert torch.allclose(half["norm.bias"], (trained["norm.bias"] + start["norm.bias"]) / 2, atol=1e-3)


ENTRIES = [
    Entry(
        "a-1", "拖欠工资怎么办", similar=("老板不发工资咋整", "工资要不回来"), unlike=("老板不发奖金",), short="先投诉", answer="先投诉。"
    ),
    Entry("a-2", "没签合同怎么办", similar=("没签劳动合同能要双倍不", "厂里不跟我签合同"), short="可以要二倍", answer="可以要二倍。"),
    Entry("a-3", "加班费怎么算", similar=("周末上班给几倍钱", "节假日上班几倍"), short="一倍半起", answer="一倍半起。"),
]


def test_rows_of_the_bank_pair_an_entry_with_itself_and_never_with_itself_as_a_negative() -> None:
    texts = Texts()
    rows = BankRows(ENTRIES, texts, ["今天天气不错的"], Recipe(batch=6, slip=0.3, story=0.3, answer=0.4))
    rng = random.Random(1)
    batches = [rows.batch(rng) for _ in range(20)]
    known = {number: text for text, number in texts._numbers.items()}
    stories = 0
    for batch in batches:
        assert len(batch.anchors) == len(batch.positives) == len(batch.negatives) == len(batch.groups) == 6
        for anchor, positive, negatives, owner in zip(batch.anchors, batch.positives, batch.negatives, batch.groups, strict=True):
            entry = ENTRIES[owner]
            assert known[positive] in (*entry.wordings, entry.short)
            assert known[positive] != known[anchor]
            assert all(known[negative] not in entry.wordings for negative in negatives)
            stories += "今天天气不错的" in known[anchor]
    assert stories > 10


def test_pairs_without_an_unlike_text_have_no_negative() -> None:
    texts = Texts()
    triples = [Triple(f"问{n}", f"答{n}", f"别{n}" if n % 2 else None) for n in range(8)]
    batch = TripleRows({"some": triples, "too few": triples[:3]}, texts, Recipe(batch=8)).batch(random.Random(1))
    assert sorted(row[0] >= 0 for row in batch.negatives) == [False] * 4 + [True] * 4
    assert all(row[1] == -1 for row in batch.negatives)


def test_characters_that_sound_the_same() -> None:
    found = homophones(["工资公司", "赔偿陪"])
    assert found["工"] == ("公",)
    assert found["赔"] == ("陪",)
    assert "偿" not in found


def test_texts_are_cut_into_pieces_once() -> None:
    texts = Texts()
    assert [texts.of("工资"), texts.of("合同"), texts.of("工资")] == [0, 1, 0]
    pieces = [("<s>", 0.0), ("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0), ("▁", -2.0), ("工资", -1.0), ("合", -3.0), ("同", -3.0)]
    arrays = texts.arrays(make_tokenizer(pieces))
    assert arrays["ends"].tolist() == [4, 9]
    assert arrays["pieces"].tolist() == [0, 4, 5, 2, 0, 4, 6, 7, 2]
    assert json.loads(make_tokenizer(pieces).to_str())["model"]["type"] == "Unigram"


class ByLetters:
    """Stands for an encoder: which characters a text has."""

    name = fingerprint = "letters"
    dimension = 8

    def encode(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        rows = np.asarray([[char in text for char in "工资合同签班钱倍"] for text in texts], dtype=np.float32) + 0.01
        return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def test_rows_of_asked_questions_never_take_an_answering_entry_as_a_negative() -> None:
    asked = [
        Asked("俺干了半年没见着工资", ("a-1",), ("a-3",)),
        Asked("合同一直没签，能多要钱不", ("a-2", "a-1")),
        Asked("问的是别的题库", ("gone",)),
        Asked("周末上班给几倍钱", ("a-3",)),  # a wording of its entry
        Asked("礼拜天叫俺去上班给几倍", ("a-3",), ("a-1", "gone")),
    ]
    texts, recipe = Texts(), Recipe(batch=12, slip=0.0, story=0.3, answer=0.4)
    rows = AskedRows(ENTRIES, asked, ByLetters(), texts, Noise({}, ["今天天气不错的"], recipe), recipe)
    rng, by_id = random.Random(1), {entry.id: entry for entry in ENTRIES}
    batches = [rows.batch(rng) for _ in range(20)]
    known = {number: text for text, number in texts._numbers.items()}
    named = 0
    for batch in batches:
        assert len(batch.anchors) == 12
        for anchor, positive, negatives, owner in zip(batch.anchors, batch.positives, batch.negatives, batch.groups, strict=True):
            question = next(question for question in asked if question.text in known[anchor])
            assert ENTRIES[owner].id in question.entries
            assert known[positive] in (*ENTRIES[owner].wordings, ENTRIES[owner].short)
            assert known[positive] != question.text
            right = {wording for id_ in question.entries for wording in by_id[id_].wordings}
            assert all(known[negative] not in right for negative in negatives)
            if question.text.startswith("俺干了"):
                named += known[negatives[0]] in by_id["a-3"].wordings
    assert named > 30


def test_every_asked_question_names_entries_of_the_bank_and_is_not_one_we_measure_on() -> None:
    entries, faults = read_bank([Path("knowledge/data/bank")])
    assert not faults
    ids = {entry.id for entry in entries}
    asked = read_asked()
    assert len(asked) > 5000
    assert all(set(question.entries) <= ids and set(question.wrong) <= ids - set(question.entries) for question in asked)
    measured = {
        json.loads(line)["query"]
        for name in ("heldout", "contrast", "contrast_fit")
        for line in Path(f"eval/data/{name}.jsonl").read_text(encoding="utf-8").splitlines()
    }
    assert not measured & {question.text for question in asked}


def test_real_questions_are_found_by_their_hash_and_none_is_one_we_measure_on(shared: Path) -> None:
    typed = read_typed(shared)
    assert len(typed) > 300
    measured = {str(row["query"]) for name in ("worker_dev", "equals_dev") for row in read_jsonl(shared / f"eval/{name}.jsonl")}
    assert not measured & {question.text for question in typed}
    assert typed_id("老板不发工资") == typed_id("老板不发工资") != typed_id("老板不发奖金")


def test_a_served_model_can_be_learnt_from_further(tmp_path: Path) -> None:
    weights = small_weights(3)
    export(Encoder(weights), "{}", tmp_path)
    found = served_weights(tmp_path)
    assert found.keys() == weights.keys()
    for name, values in found.items():
        assert np.abs(values - weights[name].numpy()).max() < 0.02, name
