"""Metrics with answers worked out by hand, and the promise on the real dev set."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from pypinyin import lazy_pinyin

from eval.cases import BadCase, Case, read_cases, write_cases
from eval.judged import count_judged
from eval.metrics import ARTICLE_MEASURES, ENTRY_MEASURES, Decided, Ranking, decision_figures, first_of_two, rank_figures
from eval.tolerance import CHANGES, twins
from knowledge.bank import read_bank
from tests.conftest import ROOT


def test_entry_figures() -> None:
    rankings = [
        Ranking(("a", "b"), ("a",)),
        Ranking(("a", "b"), ("b", "z")),
        Ranking(("a", "b"), ("z",)),
        Ranking((), ("a",)),
        Ranking(("a",), ()),
    ]
    assert rank_figures(rankings, ENTRY_MEASURES) == {"R@1": 0.25, "R@3": 0.5, "R@5": 0.5, "R@10": 0.5, "MRR@10": 0.375}
    assert rank_figures([Ranking(("a",), ())], ENTRY_MEASURES) is None


def test_article_figures_count_shares() -> None:
    figures = rank_figures([Ranking(("x", "a", "y"), ("a", "b"))], ARTICLE_MEASURES)
    assert figures == {"R@1": 0.0, "R@5": 0.5, "R@10": 0.5, "R@20": 0.5, "R@100": 0.5}


def test_the_right_one_of_two() -> None:
    right, wrong = ("a",), frozenset({"b"})
    found = [Ranking(found, right) for found in (("a", "b"), ("b", "a"), ("x", "a"), ("x", "b"), ())]
    assert first_of_two([(ranking, wrong) for ranking in found]) == 0.4  # before it, behind it, alone, not found, nothing found
    assert first_of_two([]) is None


def test_decision_figures() -> None:
    decided = [
        Decided("answer", "a", ("a",), None),
        Decided("answer", "a", ("b",), None),
        Decided("clarify", None, ("b",), None),
        Decided("answer", "a", (), "handoff"),
        Decided("handoff", None, (), "handoff"),
        Decided("answer", "a", None, None),
    ]
    assert decision_figures(decided) == {"coverage": 0.6667, "wrong_answer_rate": 0.6667, "handoff_recall": 0.5}
    assert decision_figures([Decided("answer", "a", None, None)]) is None


def test_cases_round_trip(tmp_path: Path) -> None:
    cases = [Case("问", entries=("a",), tags=("t",)), Case("答", articles=("劳动法第一条",), expect="handoff")]
    write_cases(cases, tmp_path / "cases.jsonl")
    assert read_cases(tmp_path / "cases.jsonl") == cases


@pytest.mark.parametrize("line", ["{", "[]", "{}", '{"query": 1}', '{"query": "q", "entries": "a"}', '{"query": "q", "expect": "maybe"}'])
def test_bad_cases(tmp_path: Path, line: str) -> None:
    (tmp_path / "bad.jsonl").write_text('{"query": "q"}\n' + line, encoding="utf-8")
    with pytest.raises(BadCase, match="line 2"):
        read_cases(tmp_path / "bad.jsonl")


def test_the_real_dev_set(shared: Path, tmp_path: Path) -> None:
    """Show 3: the 6,036-question bank through the commands that users run."""

    def run(*command: str) -> str:
        return subprocess.run([sys.executable, *command], cwd=ROOT, check=True, capture_output=True, text=True).stdout

    run("index_build.py", "--bank", str(shared / "eval/diac_bank.jsonl"), "--out", str(tmp_path / "index"))
    run("-m", "eval.cases", "diac-dev", str(shared / "eval"), str(tmp_path / "cases.jsonl"))
    said = run(
        "-m", "eval.run", str(tmp_path / "cases.jsonl"), "--artifacts", str(tmp_path / "index"), "--report", str(tmp_path / "report")
    )
    figures = json.loads(said.splitlines()[-1])
    assert figures["n"] == 1214
    assert figures["entries"]["R@1"] >= 0.92
    assert figures["entries"]["R@10"] >= 0.99
    assert figures["articles"] is None
    assert json.loads((tmp_path / "report/summary.json").read_text()) == figures


def test_twins_are_the_same_questions_changed_in_one_way_and_the_same_every_time() -> None:
    cases = [Case(f"老板拖欠工资{n}个月怎么办呢", (f"e{n}",), tags=("in", "test")) for n in range(5)] + [
        Case("短", ("e",), tags=("in", "test")),
        Case("别的半边的问题也不算数", ("e",), tags=("in", "fit")),
    ]
    made = list(twins(cases))
    by_tag = {tag: [case for case in made if case.tags == (tag,)] for tag in (*CHANGES, "two")}
    assert all(len(found) == 5 for found in by_tag.values())
    assert [case.query for case in by_tag["clean"]] == [case.query for case in cases[:5]]
    for tag in ("full-width", "traditional", "slip-1", "fillers", "story"):
        assert all(twin.query != clean.query for twin, clean in zip(by_tag[tag], by_tag["clean"], strict=True)), tag
    for twin, clean in zip(by_tag["slip-1"], by_tag["clean"], strict=True):
        assert lazy_pinyin(twin.query) == lazy_pinyin(clean.query)
    assert by_tag["two"][0].entries == ("e0", "e1")
    assert list(twins(cases)) == made


def test_what_both_judges_accept(tmp_path: Path) -> None:
    rows = [("unlabelled", [2, 2]), ("unlabelled", [2, 1]), ("unlabelled", [0, 0]), ("labelled", [2, 2])]
    lines = [json.dumps({"set": "own", "kind": kind, "verdicts": verdicts}) for kind, verdicts in rows]
    (tmp_path / "judged.jsonl").write_text("\n".join(lines), encoding="utf-8")
    found = count_judged(tmp_path / "judged.jsonl")
    assert found["own, unlabelled"] == {"judged": 3, "both_accept": 1}
    assert found["own, labelled"] == {"judged": 1, "both_accept": 1}
    assert found["kappa"] == 0.5  # agree on 3 of 4, by chance on 2 of 4: (0.75 - 0.5) / (1 - 0.5)


def test_contrast_questions_that_teach_are_about_other_entries_than_those_measured_on() -> None:
    def entries(name: str) -> set[str]:
        cases = read_cases(ROOT / "eval/data" / name)
        return {entry for case in cases for entry in (case.entries or ())} | {
            tag.removeprefix("not:") for case in cases for tag in case.tags if tag.startswith("not:")
        }

    taught, measured = entries("contrast_fit.jsonl"), entries("contrast.jsonl")
    assert len(taught) > 300
    assert not taught & measured
    known = {entry.id for entry in read_bank([ROOT / "knowledge/data/bank"])[0]}
    assert taught <= known
