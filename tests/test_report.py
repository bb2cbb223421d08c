"""The report, the gate and the baselines: known answers on a handful of rows."""

import json
from pathlib import Path

import numpy as np
import pytest

from eval.baselines import bm25, letters
from eval.gate import find_losses
from eval.gate import main as gate
from eval.report import calibration, interval, risk_coverage, slice_rows, slices_markdown, write_report


def row(query: str, wanted: list[str] | None, found: list[str], kind: str, score: float, tags: tuple[str, ...] = ()) -> dict[str, object]:
    return {
        "query": query,
        "wanted": wanted,
        "expect": None,
        "kind": kind,
        "answered": found[0] if kind == "answer" else None,
        "found": found,
        "score": score,
        "wording": "像",
        "parts": {"same": score},
        "tags": list(tags),
    }


ROWS = [
    row("甲", ["a"], ["a", "b"], "answer", 0.9, ("x",)),
    row("乙", ["b"], ["a", "b"], "answer", 0.8, ("x",)),
    row("丙", ["c"], ["a", "b"], "clarify", 0.5),
    row("丁<script>", [], ["a"], "handoff", 0.2, ("y",)),
    row("戊", None, ["a"], "answer", 0.7),
]


def test_risk_and_coverage_by_hand() -> None:
    assert np.asarray(risk_coverage(ROWS)) == pytest.approx(np.asarray([(1 / 3, 0), (2 / 3, 1 / 2), (1, 2 / 3), (1, 3 / 4)]))


def test_slices_by_hand() -> None:
    slices = {part.tag: part for part in slice_rows(ROWS)}
    assert slices["全部"].first == pytest.approx(1 / 3)
    assert slices["x"].within_five == 1.0
    assert slices["x"].reciprocal == pytest.approx(0.75)
    assert slices["x"].wrong == 0.5
    assert slices["y"].first is None
    assert slices_markdown(ROWS).count("\n") == 2 + len(slices)


def test_calibration_and_interval() -> None:
    assert calibration(ROWS, bins=2) == [pytest.approx((0.35, 0.0)), pytest.approx((0.85, 0.5))]
    mean, low, high = interval([0.0, 1.0] * 50)
    assert mean == 0.5
    assert 0.38 < low < 0.45 < 0.55 < high < 0.62


def test_the_page_stands_alone_and_escapes(tmp_path: Path) -> None:
    earlier = [row("甲", ["a"], ["b"], "answer", 0.9), row("乙", ["b"], ["b"], "answer", 0.8)]
    figures: dict[str, object] = {"n": 5, "latency_ms": {"p50": 1.04, "p99": 9.96}}
    page = write_report(tmp_path, figures, ROWS, {"a": "问甲", "b": "问乙"}, earlier).read_text(encoding="utf-8")
    assert "一半不超过 1.0 毫秒，99% 不超过 10.0 毫秒" in page
    assert "<script" not in page
    assert "http" not in page
    assert "变好 1 条，变差 1 条" in page
    assert "问乙" in page
    assert len((tmp_path / "cases.jsonl").read_text(encoding="utf-8").splitlines()) == 5


def test_the_gate_stops_what_is_worse(tmp_path: Path) -> None:
    published = {
        "entries": {"R@1": 0.8, "R@5": 0.9, "MRR@10": 0.85},
        "articles": None,
        "decision": {"coverage": 0.7, "wrong_answer_rate": 0.04},
    }
    better = {
        "entries": {"R@1": 0.81, "R@5": 0.9, "MRR@10": 0.85},
        "articles": None,
        "decision": {"coverage": 0.69, "wrong_answer_rate": 0.03},
    }
    worse = {"entries": {"R@1": 0.7, "R@5": 0.9}, "articles": None, "decision": {"coverage": 0.7, "wrong_answer_rate": 0.09}}
    assert find_losses(better, published, 0.01) == []
    assert [loss.split(":")[0] for loss in find_losses(worse, published, 0.01)] == [
        "entries R@1",
        "entries MRR@10",
        "decision wrong_answer_rate",
    ]
    for name, figures in (("published", published), ("better", better), ("worse", worse)):
        (tmp_path / name).write_text(json.dumps(figures), encoding="utf-8")
    assert gate([str(tmp_path / "better"), "--published", str(tmp_path / "published")]) == 0
    assert gate([str(tmp_path / "worse"), "--published", str(tmp_path / "published")]) == 1


def test_baselines_find_the_same_words() -> None:
    texts = ["老板不发工资怎么办", "年休假有几天", "工伤认定要多久"]
    for method in (letters(texts), bm25(texts, list)):
        for place, text in enumerate(texts):
            assert int(method(text).argmax()) == place


def test_bm25_by_hand() -> None:
    # two texts of the same length; "b" stands in one of them: idf ln(1 + 1.5/1.5), tf part 2.2/2.2
    assert bm25(["ab", "aa"], list)("b") == pytest.approx([0.6931, 0.0], abs=1e-4)
