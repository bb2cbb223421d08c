"""Comparing and ranking: known answers, and what must hold for any two texts."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.ensemble import HistGradientBoostingClassifier

from bot.compare import NAMES, compare, contradicts
from bot.encoder import SentenceEncoder
from bot.errors import RankerError
from bot.rank import FITTED, MOST_SCOPE, Linear, Ranker, Scope, load_ranker, save_linear, save_scope
from bot.reading import from_row, read, to_row
from bot.settings import Settings
from bot.views import (
    CONTEXT_NAMES,
    ENTRY_NAMES,
    LINEARS,
    MOST_ENTRIES,
    PAIR_NAMES,
    PRIOR_NAMES,
    VIEWS,
    alone_features,
    choose_entries,
    contested,
    context_features,
    entry_features,
    look,
    look_in_context,
    priors,
)
from knowledge.bank import read_bank
from knowledge.records import Entry
from training import ranker
from training.priors import count_asked

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
    ours = ranker.export(model).log_odds(rows)
    assert ours == pytest.approx(model.decision_function(rows), abs=1e-4)


def test_views_by_hand() -> None:
    many = look(np.asarray([0.5, 2.0, 1.0], dtype=np.float32), np.asarray([0.2, 0.9, 0.7], dtype=np.float32))
    assert many == pytest.approx((2.0, 1.0, 3.5 / 3, 0.9, 0.7))
    one = look(np.asarray([2.0], dtype=np.float32), np.asarray([0.9], dtype=np.float32))
    assert one == pytest.approx((2.0, 2.0, 2.0, 0.9, 0.9))


def test_entry_features_by_hand() -> None:
    views = np.zeros((2, len(VIEWS)), dtype=np.float32)
    views[:, 0] = 2.0, 0.5
    views[:, 3] = 0.9, 0.6
    rows = entry_features(views, 9, np.asarray([3, 1]))
    found = {name: rows[:, place].tolist() for place, name in enumerate(ENTRY_NAMES)}
    assert found["same"] == [2.0, 0.5]
    assert found["same_lead"] == [1.5, -1.5]
    assert found["dense_lead"] == pytest.approx([0.3, -0.3], abs=1e-6)
    assert found["length"] == pytest.approx([np.log(10)] * 2)
    assert found["alone"] == [0.0, 1.0]


def test_the_nearest_entries_are_looked_at() -> None:
    near = np.linspace(0, 0.5, 40).astype(np.float32)
    chosen = choose_entries(near, near, near, MOST_ENTRIES, near)
    assert chosen.tolist() == list(range(39, 39 - MOST_ENTRIES, -1))


def copy_trees(folder: Path) -> None:
    for name in ("ranker.npz", "ranker.json"):
        shutil.copy(Settings().ranker / name, folder)


@pytest.mark.parametrize("name", LINEARS)
def test_a_linear_model_survives_the_file(tmp_path: Path, name: str) -> None:
    size = len(LINEARS[name])
    rows = np.random.default_rng(3).normal(size=(5, size)).astype(np.float32)
    linear = Linear((0.5,) * size, (2.0,) * size, tuple(0.1 * n for n in range(size)), -1.0)
    wanted = ((rows - 0.5) / 2) @ np.asarray([0.1 * n for n in range(size)]) - 1
    assert linear.log_odds(rows) == pytest.approx(wanted, abs=1e-4)
    copy_trees(tmp_path)
    save_linear(linear, name, tmp_path)
    loaded = load_ranker(tmp_path)
    assert {other: getattr(loaded, other) for other in LINEARS} == dict.fromkeys(LINEARS) | {name: linear}
    assert (getattr(load_ranker(tmp_path, to_fit=True), name) is None) == (name in FITTED)
    (tmp_path / f"{name}.json").write_text((tmp_path / f"{name}.json").read_text().replace('"length"', '"width"'))
    with pytest.raises(RankerError, match=f"{name}.json was fitted to other columns"):
        load_ranker(tmp_path)


def test_alone_columns_are_those_of_the_encoder_that_judges() -> None:
    rows = np.arange(2 * len(LINEARS["in_context"]), dtype=np.float32).reshape(2, -1)
    odds = np.asarray([-1, 1], dtype=np.float32)
    columns = LINEARS["in_context"]
    both, one = alone_features(odds, rows), alone_features(odds, rows[:, : len(ENTRY_NAMES)])
    assert both[0].tolist() == [-1, *(columns.index(name) for name in ("context", "context_lead", "length"))]
    assert one[0].tolist() == [-1, *(columns.index(name) for name in ("dense", "dense_lead", "length"))]


def test_context_columns_by_hand() -> None:
    views = np.asarray([look_in_context(np.asarray([0.1, 0.8, 0.6, 0.4], dtype=np.float32), 0.7), (0.5, 0.5, 0.5)], dtype=np.float32)
    assert views[0].tolist() == pytest.approx([0.8, 0.6, 0.7])
    found = {name: column.tolist() for name, column in zip(CONTEXT_NAMES, context_features(views, -2.0).T, strict=True)}
    assert found["context_lead"] == pytest.approx([0.3, -0.3])
    assert found["context_centre_lead"] == pytest.approx([0.2, -0.2])
    assert found["scope"] == [-2, -2]


def test_priors_count_who_refers_to_an_entry_and_what_it_answered() -> None:
    entries = [Entry(id_, "?", related=related) for id_, related in (("a", ("b", "c")), ("b", ("c",)), ("c", ()))]
    found = priors(entries, {"a": 4, "gone": 9})
    assert found == pytest.approx(np.log([[1, 5], [2, 1], [3, 1]]))
    assert priors([], {}).shape == (0, len(PRIOR_NAMES))


def test_the_shipped_counts_are_those_of_the_labels_and_name_entries_of_the_bank(ranker: Ranker) -> None:
    entries, _ = read_bank([Path("knowledge/data/bank")])
    assert dict(ranker.asked) == count_asked()
    assert set(ranker.asked) <= {entry.id for entry in entries}
    assert sum(ranker.asked.values()) > len(ranker.asked) > 200


def test_what_much_leads_to_is_likelier(ranker: Ranker) -> None:
    for name in ("several", "in_context"):
        rows = np.zeros((2, len(LINEARS[name])), dtype=np.float32)
        rows[1, -len(PRIOR_NAMES) :] = np.log1p([10, 3])
        scores = ranker.entry_scores(rows)
        assert scores[1] > scores[0]


def test_scope_by_hand(tmp_path: Path) -> None:
    first = np.asarray([[2, 0], [0, -2]], dtype=np.float32)
    scope = Scope(first, np.asarray([0, 1], dtype=np.float32), np.asarray([3, -1], dtype=np.float32), 0.5)
    assert scope.log_odds(np.asarray([0.5, 0.25], dtype=np.float32)) == pytest.approx(3 * 1 - 0.5 + 0.5)
    assert scope.log_odds(np.asarray([5, 0], dtype=np.float32)) == MOST_SCOPE
    copy_trees(tmp_path)
    save_scope(scope, tmp_path)
    loaded = load_ranker(tmp_path).scope
    assert loaded is not None
    assert loaded.log_odds(np.asarray([0.5, 0.25], dtype=np.float32)) == pytest.approx(3.0)


@pytest.mark.parametrize(
    ("question", "wording", "back"),
    [
        ("干了五个月被辞退赔多少", "干了五年被辞退赔多少", True),  # a number of another unit
        ("竞业协议我没签过，离职后管不管用", "竞业协议我签过，离职后管不管用", True),
        ("送餐路上被车撞了算工伤吗", "送餐路上被车撞了算工伤吗", False),
        ("老板三个月不发工资", "单位拖欠工资怎么办", False),  # a number more, but no copy
    ],
)
def test_near_copies_that_differ_in_a_point_are_asked_back(ranker: Ranker, question: str, wording: str, back: bool) -> None:
    rows = compare(read(question), [read(wording)], ranker.weights)
    assert contradicts(rows).tolist() == [back]


@pytest.mark.parametrize(
    ("question", "clashing"),
    [
        ("公司没签合同怎么办", "公司签了合同怎么办"),
        ("三级伤残赔多少", "十级伤残赔多少"),
        ("公司辞退我有补偿吗", "我自己辞职有补偿吗"),
        ("女职工能不能上夜班", "男职工能不能上夜班"),
        ("工资拖欠三个月怎么办", "工资拖欠三个月判几年"),
    ],
)
def test_the_same_words_are_likelier_than_a_near_miss(ranker: Ranker, encoder: SentenceEncoder, question: str, clashing: str) -> None:
    assert len(PAIR_NAMES) == len(NAMES) + 1
    here, *others = encoder.encode([question, question, clashing])
    rows = compare(read(question), [read(question), read(clashing)], ranker.weights)
    same, other = (np.append(row, np.float32(here @ vector)) for row, vector in zip(rows, others, strict=True))
    log_odds = ranker.pair_log_odds(np.stack([same, other]))
    assert log_odds[0] > log_odds[1] + 1


def test_a_broken_ranker_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RankerError, match=r"training\.ranker"):
        load_ranker(tmp_path)


def test_an_entry_is_contested_where_the_second_encoder_puts_another_first() -> None:
    plain = np.zeros((3, len(ENTRY_NAMES)), dtype=np.float32)

    def rows(*views: tuple[float, float, float]) -> np.ndarray:
        return np.hstack([plain, context_features(np.asarray(views, dtype=np.float32))])

    assert contested(rows((0.9, 0.8, 0.7), (0.5, 0.5, 0.5), (0.4, 0.4, 0.6))).tolist() == [False, True, True]
    # The first is nearest by its best wording, the second by its centre: neither is certain.
    assert contested(rows((0.9, 0.8, 0.6), (0.5, 0.5, 0.7), (0.1, 0.1, 0.1))).tolist() == [True, True, True]
    assert not contested(rows((0.9, 0.8, 0.7), (0.9, 0.8, 0.7), (0.1, 0.1, 0.1)))[:2].any()  # as near as each other
    assert not contested(plain).any()
