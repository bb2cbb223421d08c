"""The second encoder: what its vectors promise, which index it accepts, and what a matcher does with it and without it."""

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.context_model import LONGEST, MODEL_FILE, TOKENIZER_FILE
from bot.decide import decide
from bot.encoder import SentenceEncoder, Vectors, load_context
from bot.errors import ArtifactForeign, EncoderError
from bot.index import build, load
from bot.match import Matcher
from bot.policy import read_policy
from bot.rank import Ranker
from bot.settings import BUNDLED_CONTEXT, Settings
from bot.values import Answer
from bot.views import (
    LINEARS,
)
from tests.conftest import ENTRIES, LAW, ROOT


@pytest.fixture(scope="module")
def without(encoder: SentenceEncoder, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("without")
    build(ENTRIES, [LAW], encoder, out, {"test": "-"})
    return out


@settings(max_examples=40, deadline=None)
@given(st.lists(st.text(max_size=60), min_size=1, max_size=4))
def test_vectors_have_length_one_and_do_not_depend_on_their_company(context: SentenceEncoder, texts: list[str]) -> None:
    together = context.encode(texts)
    assert together.shape == (len(texts), context.dimension)
    np.testing.assert_allclose(np.linalg.norm(together, axis=1), 1, atol=1e-5)
    for text, vector in zip(texts, together, strict=True):
        np.testing.assert_array_equal(context.encode([text])[0], vector)


def test_several_threads_give_the_same_vectors(context: SentenceEncoder) -> None:
    texts = [f"老板拖欠工资{number}个月怎么办" for number in range(100)]
    np.testing.assert_array_equal(SentenceEncoder(BUNDLED_CONTEXT, threads=2).encode(texts), context.encode(texts))


def test_a_long_text_is_read_up_to_a_length(context: SentenceEncoder) -> None:
    long = "工地上拖欠工资，" * LONGEST
    np.testing.assert_array_equal(context.encode([long])[0], context.encode([long + "我想离婚"])[0])


@pytest.mark.parametrize(
    ("asked", "near", "far"),
    [
        ("老板不发工资咋整", "单位拖欠工资怎么办", "工伤认定要多久"),
        ("怀孕了公司要开除我", "孕期被辞退怎么办", "怀孕了能请多少天产假"),
        ("上班路上让车撞了", "上下班途中出交通事故算工伤吗", "公司班车收费合理吗"),
        ("没交社保要辞职", "因为单位不缴社会保险想走人", "社保卡在哪里办"),
    ],
)
def test_what_means_the_same_is_nearer(context: SentenceEncoder, asked: str, near: str, far: str) -> None:
    here, there, away = context.encode([asked, near, far])
    assert here @ there > here @ away + 0.05


def test_an_index_is_for_the_second_encoder_it_was_built_with(
    artifacts: Path, without: Path, encoder: SentenceEncoder, context: SentenceEncoder
) -> None:
    assert load(artifacts, encoder, context).contexts is not None
    assert load(without, encoder).contexts is None
    with pytest.raises(ArtifactForeign, match=r"context-zh-v3 second encoder, but the one in use is none.*index_build"):
        load(artifacts, encoder)
    with pytest.raises(ArtifactForeign, match=r"no second encoder, but the one in use is context-zh-v3.*index_build"):
        load(without, encoder, context)


def test_a_matcher_sees_both_encoders(matcher: Matcher, without: Path, encoder: SentenceEncoder, ranker: Ranker) -> None:
    ids, features, _ = matcher.entry_features("老板不给钱怎么办")
    assert features.shape == (len(ids), len(LINEARS["in_context"]))
    alone = Matcher(load(without, encoder), encoder, ranker)
    assert alone.entry_features("老板不给钱怎么办")[1].shape[1] == len(LINEARS["several"])
    assert matcher.entry_features("？！")[1].shape == (0, len(LINEARS["in_context"]))
    for asked in ("试用期可以约定几个月", "公司不发工资", "今天天气怎么样"):
        scores = [candidate.score for candidate in matcher.match(asked).entries]
        assert scores == sorted(scores, reverse=True)
        assert all(0 <= score <= 1 for score in scores)
    assert matcher.match("试用期可以约定几个月").entries[0].score == 1  # the very words


@pytest.mark.parametrize("asked", ["就我自己", "火星", "跳过", "今天天气怎么样"])
def test_a_small_bank_answers_nothing_foreign_with_or_without_it(
    asked: str, matcher: Matcher, without: Path, encoder: SentenceEncoder, ranker: Ranker
) -> None:
    for found, in_context in ((matcher, True), (Matcher(load(without, encoder), encoder, ranker), False)):
        policy = read_policy(Settings().policy, Settings().risk, in_context)
        assert not isinstance(decide(found.match(asked), policy), Answer)


class Counting:
    """The second encoder, and how often it was asked."""

    def __init__(self, encoder: SentenceEncoder) -> None:
        self._encoder, self.asked = encoder, 0
        self.name, self.fingerprint, self.dimension = encoder.name, encoder.fingerprint, encoder.dimension

    def encode(self, texts: Sequence[str]) -> Vectors:
        self.asked += len(texts)
        return self._encoder.encode(texts)


def test_only_very_words_that_may_be_answered_go_past_it(
    artifacts: Path, encoder: SentenceEncoder, context: SentenceEncoder, ranker: Ranker
) -> None:
    counting = Counting(context)
    matcher = Matcher(load(artifacts, encoder, context), encoder, ranker, counting)
    assert matcher.match("试用期可以约定几个月").entries[0].score == 1
    assert counting.asked == 0
    found = matcher.match("疫情期间隔离工资怎么发", today=date(2026, 11, 26)).entries  # out of date
    assert counting.asked == 1
    assert all(candidate.entry.id != "old-1" and candidate.score < 1 for candidate in found)
    matcher.match("老板不给钱怎么办")
    assert counting.asked == 2


def test_a_broken_folder_is_named(tmp_path: Path) -> None:
    for name in (MODEL_FILE, TOKENIZER_FILE):
        folder = tmp_path / name
        shutil.copytree(BUNDLED_CONTEXT, folder)
        (folder / name).write_bytes(b"no model")
        with pytest.raises(EncoderError, match="cannot be read"):
            SentenceEncoder(folder)
    assert load_context("") is None


def test_everything_goes_without_a_second_encoder(tmp_path: Path) -> None:
    environment = os.environ | {"NUANXIN_CONTEXT": "", "NUANXIN_DATABASE": f"sqlite:///{tmp_path}/a.db"}
    bank = tmp_path / "bank.csv"
    bank.write_text("id,question,answer\n1,单位拖欠工资怎么办,可以投诉。\n2,产假有多少天,98天。\n", encoding="utf-8")

    def run(*command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([sys.executable, *command], cwd=ROOT, env=environment, capture_output=True, text=True)

    built = run("index_build.py", "--bank", str(bank), "--out", str(tmp_path / "out"))
    assert built.returncode == 0, built.stderr
    assert "context" not in built.stdout
    asked = run("serve.py", "--artifacts", str(tmp_path / "out"), "--ask", "单位拖欠工资怎么办")
    assert asked.stdout.startswith("可以投诉。")
    assert "NUANXIN_RISK" in asked.stderr  # it says that only very words are answered
    other = run("serve.py", "--artifacts", str(tmp_path / "out"), "--ask", "单位拖欠工资怎么弄")
    assert "可以投诉。" not in other.stdout


def test_what_is_served_clashes_where_what_was_fitted_did(matcher: Matcher) -> None:
    asked = ("老板不给钱怎么弄", "病假扣不扣钱", "年假休几天", "试用期能延长几个月吗", "路上车祸算不算", "厂里拖着工资", "试用期几个月合适")
    contested_somewhere = False
    for text in asked:
        ids, _, clash = matcher.entry_features(text)
        fitted = dict(zip(ids, clash.tolist(), strict=True))
        for candidate in matcher.match(text, articles=0).entries:
            if candidate.score < 1:
                assert candidate.parts.clash == fitted[candidate.entry.id]
                contested_somewhere |= candidate.parts.clash
    assert contested_somewhere
