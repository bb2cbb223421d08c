"""Comparing and ranking: known answers, and what must hold for any two texts."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.ensemble import HistGradientBoostingClassifier

import ranker_train
from bot.compare import NAMES, compare
from bot.errors import RankerError
from bot.rank import ENTRY_NAMES, PAIR_NAMES, Ranker, entry_features, load_ranker
from bot.reading import from_row, read, to_row

AT = {name: place for place, name in enumerate(NAMES)}
QUESTIONS = st.text(alphabet="公司没有不签合同了工资辞退我三个月年级工伤怎么多少钱吗九十123，？abc", max_size=40)


def features(ranker: Ranker, left: str, right: str) -> dict[str, float]:
    row = compare(read(left), [read(right)], ranker.weights)[0]
    return {name: float(row[place]) for name, place in AT.items()}


@pytest.mark.parametrize(
    ("left", "right", "clash"),
    [
        ("公司没签合同怎么办", "公司签了合同怎么办", "negation_clash"),
        ("工作9年经济补偿给多少", "工作11年经济补偿给多少", "numbers_clash"),
        ("三级伤残赔多少", "十级伤残赔多少", "numbers_clash"),
        ("公司辞退我有补偿吗", "我自己辞职有补偿吗", "ends_clash"),
        ("女职工能不能上夜班", "职工能不能上夜班", "party_woman"),
        ("在职的时候能要加班费吗", "离职以后能要加班费吗", "times_clash"),
    ],
)
def test_a_clash_is_seen(ranker: Ranker, left: str, right: str, clash: str) -> None:
    assert features(ranker, left, right)[clash] > 0
    assert features(ranker, left, left)[clash] == 0


def test_numbers_with_the_same_value_are_shared(ranker: Ranker) -> None:
    assert features(ranker, "干了九年怎么赔", "干了9年怎么赔")["numbers_shared"] == 1


@given(left=QUESTIONS, right=QUESTIONS)
def test_a_clash_has_two_sides(ranker: Ranker, left: str, right: str) -> None:
    there, back = features(ranker, left, right), features(ranker, right, left)
    for name in ("fuzzy", "sounds", "asks_shared", "parties_clash", "ends_clash", "times_clash", "numbers_clash", "negation_clash"):
        assert there[name] == pytest.approx(back[name], abs=1e-5), name
    assert there["covered"] == pytest.approx(back["covers"], abs=1e-5)


@given(text=st.text(max_size=60))
def test_a_reading_survives_the_file(text: str) -> None:
    reading = read(text)
    assert from_row(to_row(reading)) == reading


def test_our_trees_say_what_scikit_learn_says() -> None:
    noise = np.random.default_rng(1)
    rows = noise.normal(size=(800, 6)).astype(np.float32)
    label = (rows[:, 0] + rows[:, 1] * rows[:, 2] > 0).astype(np.int64)
    model = HistGradientBoostingClassifier(max_iter=30, max_depth=6, random_state=1).fit(rows, label)
    ours = ranker_train.export(model).log_odds(rows)
    assert ours == pytest.approx(model.decision_function(rows), abs=1e-4)


def test_entry_features_by_hand() -> None:
    log_odds = np.asarray([2.0, 0.5, 1.0, -1.0], dtype=np.float32)
    dense = np.asarray([0.9, 0.8, 0.7, 0.2], dtype=np.float32)
    entries, rows, best = entry_features(log_odds, dense, dense, np.asarray([7, 3, 7, 3]), 9)
    found = {name: rows[:, place] for place, name in enumerate(ENTRY_NAMES)}
    assert entries.tolist() == [3, 7]
    assert best.tolist() == [1, 0]
    assert found["best"].tolist() == [0.5, 2.0]
    assert found["second"].tolist() == [-1.0, 1.0]
    assert found["lead"].tolist() == [-1.5, 1.5]
    assert found["dense_lead"] == pytest.approx([-0.1, 0.1], abs=1e-6)
    assert found["alone"].tolist() == [0.0, 0.0]


def test_the_same_words_are_the_same(ranker: Ranker) -> None:
    assert len(PAIR_NAMES) == len(NAMES) + 1
    for text in ("老板不发工资怎么办", "年休假有几天", "工伤认定要多久"):
        row = np.append(compare(read(text), [read(text)], ranker.weights)[0], np.float32(1.0))
        assert ranker.pair_log_odds(row[None, :])[0] > 2


def test_a_broken_ranker_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RankerError, match=r"ranker_train\.py"):
        load_ranker(tmp_path)
