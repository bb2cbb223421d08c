"""A run as a page that stands alone, with the files it was made of: report.html, summary.json, slices.md, cases.jsonl."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

import numpy as np
from scipy.stats import binomtest

from eval.charts import Points, draw

Row = Mapping[str, object]
SAMPLES = 2000
"""Bootstrap resamples (Efron 1979, doi 10.1214/aos/1176344552)."""
SEED = 12351
WORST = 30
_STYLE = """
body{font:16px/1.6 system-ui,"PingFang SC","Microsoft YaHei","Noto Sans CJK SC",sans-serif;margin:0 auto;max-width:1080px}
body{padding:20px;color:#222;background:#faf8f6}
h1{color:#b3261e;font-size:26px}h2{font-size:19px;margin-top:34px;border-bottom:2px solid #b3261e;padding-bottom:4px}
table{border-collapse:collapse;width:100%;background:#fff}td,th{border:1px solid #ddd;padding:6px 10px;text-align:left;vertical-align:top}
th{background:#f3ece8}.n{text-align:right;font-variant-numeric:tabular-nums}.charts{display:grid;grid-template-columns:1fr 1fr;gap:14px}
svg{background:#fff;border:1px solid #ddd;width:100%}text{font-size:12px;fill:#444}.title{font-size:14px;text-anchor:middle;font-weight:600}
.tick{font-size:10px;text-anchor:middle}.end{text-anchor:end}.axis{text-anchor:middle}.grid{stroke:#eee}.key{font-weight:600}
small{color:#666}@media(max-width:720px){.charts{grid-template-columns:1fr}}
"""


def write_report(
    folder: Path, figures: Mapping[str, object], rows: Sequence[Row], names: Mapping[str, str], earlier: Sequence[Row] | None = None
) -> Path:
    """Write the page and its files; returns the page.

    Args:
        names: the question of each entry id, for reading.
        earlier: rows of an earlier run on the same cases, to compare with.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "summary.json").write_text(json.dumps(figures, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    ordered = sorted(rows, key=lambda row: is_first_right(row) is not False)
    (folder / "cases.jsonl").write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in ordered), encoding="utf-8")
    (folder / "slices.md").write_text(slices_markdown(rows), encoding="utf-8")
    page = folder / "report.html"
    page.write_text(_page(figures, rows, names, earlier), encoding="utf-8")
    return page


def read_rows(folder: Path) -> list[Row]:
    """The rows of a run written before."""
    return [json.loads(line) for line in (folder / "cases.jsonl").read_text(encoding="utf-8").splitlines()]


def is_first_right(row: Row) -> bool | None:
    """Whether the first entry found is right; None where nothing is labelled."""
    wanted, found = row["wanted"], row["found"]
    if not isinstance(wanted, list) or not isinstance(found, list):
        return None
    return bool(found) and found[0] in wanted if wanted else None


def is_wrong_answer(row: Row) -> bool:
    """Whether an answer was given that is not right."""
    wanted = row["wanted"]
    return row["kind"] == "answer" and isinstance(wanted, list) and row["answered"] not in wanted


def interval(values: Sequence[float]) -> tuple[float, float, float]:
    """Mean, and its 95 % percentile bootstrap interval."""
    found = np.asarray(values, dtype=np.float64)
    noise = np.random.default_rng(SEED)
    means = [float(found[noise.integers(0, len(found), len(found))].mean()) for _ in range(SAMPLES)]
    return float(found.mean()), float(np.quantile(means, 0.025)), float(np.quantile(means, 0.975))


def risk_coverage(rows: Sequence[Row]) -> Points:
    """Coverage (of the questions with an entry) and share of wrong answers, for every threshold."""
    labelled = [row for row in rows if isinstance(row["wanted"], list)]
    ordered = sorted(labelled, key=lambda row: -_number(row["score"]))
    coverable = max(1, sum(bool(row["wanted"]) for row in labelled))
    points, wrong, covered = [], 0, 0
    for given, row in enumerate(ordered, start=1):
        right = is_first_right(row) is True
        wrong += not right
        covered += bool(row["wanted"])
        points.append((covered / coverable, wrong / given))
    return points[:: max(1, len(points) // 200)]


def calibration(rows: Sequence[Row], bins: int = 10) -> Points:
    """Mean score and share of right ones in bins of equal size."""
    scored = sorted((_number(row["score"]), is_first_right(row) is True) for row in rows if isinstance(row["wanted"], list))
    parts = np.array_split(np.asarray(scored, dtype=np.float64), bins) if scored else []
    return [(float(part[:, 0].mean()), float(part[:, 1].mean())) for part in parts if len(part)]


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float) else 0.0


def _page(figures: Mapping[str, object], rows: Sequence[Row], names: Mapping[str, str], earlier: Sequence[Row] | None) -> str:
    sections = [
        f"<h1>暖心评测报告</h1><p>{len(rows)} 条带标注的提问。括号里是 95% 自助法区间（{SAMPLES} 次重抽样）。</p>",
        _main_figures(figures, rows),
        '<h2>风险与校准</h2><div class="charts">',
        draw("风险—覆盖曲线", "覆盖率", "答错率", [("答错率", "#b3261e", risk_coverage(rows))], y_top=0.5),
        draw("校准", "给出的分数", "真正答对的比例", [("实际", "#1f6f8b", calibration(rows)), ("理想", "#bbb", [(0, 0), (1, 1)])]),
        "</div>",
        _slices(rows),
        _mistakes(rows, names),
        _comparison(rows, earlier) if earlier is not None else "",
    ]
    head = f'<meta charset="utf-8"><title>暖心评测报告</title><style>{_STYLE}</style>'
    return f'<!doctype html><html lang="zh-CN">{head}{"".join(sections)}</html>\n'


def _main_figures(figures: Mapping[str, object], rows: Sequence[Row]) -> str:
    measures: list[tuple[str, Callable[[Row], float | None]]] = [
        ("第一条就对（R@1）", lambda row: None if (first := is_first_right(row)) is None else float(first)),
        ("前五条里有（R@5）", _found_within(5)),
        ("有题可答的，直接答了（覆盖率）", lambda row: float(row["kind"] == "answer") if row["wanted"] else None),
        (
            "答了的，答错了（答错率）",
            _answered_wrongly,
        ),
        ("库外的，却答了", lambda row: float(row["kind"] == "answer") if row["wanted"] == [] else None),
    ]
    lines = []
    for name, measure in measures:
        values = [value for row in rows if (value := measure(row)) is not None]
        if values:
            mean, low, high = interval(values)
            lines.append(f'<tr><td>{name}</td><td class="n">{mean:.3f}（{low:.3f}–{high:.3f}）</td><td class="n">{len(values)}</td></tr>')
    times, note = figures.get("latency_ms"), ""
    if isinstance(times, Mapping):
        note = f"<p>每问用时：一半不超过 {times['p50']:.1f} 毫秒，99% 不超过 {times['p99']:.1f} 毫秒。</p>"
    return f"<h2>主要数字</h2><table><tr><th>指标</th><th>值</th><th>条数</th></tr>{''.join(lines)}</table>{note}"


def _answered_wrongly(row: Row) -> float | None:
    return float(is_wrong_answer(row)) if row["kind"] == "answer" and row["wanted"] is not None else None


def _found_within(depth: int) -> Callable[[Row], float | None]:
    def measure(row: Row) -> float | None:
        wanted, found = row["wanted"], row["found"]
        if not isinstance(wanted, list) or not wanted or not isinstance(found, list):
            return None
        return float(bool(set(wanted) & set(found[:depth])))

    return measure


@dataclass(frozen=True, slots=True)
class Slice:
    """Figures of the rows with one tag; None where no row has what it takes."""

    tag: str
    count: int
    first: float | None
    within_five: float | None
    reciprocal: float | None
    answered: float
    wrong: float | None


def slice_rows(rows: Sequence[Row]) -> list[Slice]:
    """A slice for every tag, the largest first; all rows together before them."""
    by_tag: dict[str, list[Row]] = {"全部": list(rows)}
    for row in rows:
        tags = row["tags"]
        for tag in tags if isinstance(tags, list) else ():
            if not str(tag).startswith("not:"):
                by_tag.setdefault(str(tag), []).append(row)
    slices = []
    for tag, found in sorted(by_tag.items(), key=lambda pair: -len(pair[1])):
        ranks = [rank for row in found if (rank := _rank(row)) is not None]
        answered = [row for row in found if row["kind"] == "answer"]
        slices.append(
            Slice(
                tag,
                len(found),
                _mean([float(rank == 1) for rank in ranks]),
                _mean([float(0 < rank <= 5) for rank in ranks]),
                _mean([1 / rank if rank else 0.0 for rank in ranks]),
                len(answered) / len(found),
                _mean([float(is_wrong_answer(row)) for row in answered]),
            )
        )
    return slices


def slices_markdown(rows: Sequence[Row]) -> str:
    """The slices as a table for a document."""
    lines = ["| 切片 | 条数 | R@1 | R@5 | MRR@5 | 直接答的 | 其中答错 |", "|---|---:|---:|---:|---:|---:|---:|"]
    for part in slice_rows(rows):
        figures = (part.first, part.within_five, part.reciprocal, part.answered, part.wrong)
        lines.append(f"| {part.tag} | {part.count} | " + " | ".join(_shown(value) for value in figures) + " |")
    return "\n".join(lines) + "\n"


def _rank(row: Row) -> int | None:
    """Place of the first right entry among the five kept, from 1; 0 where it is not among them; None where none is right."""
    wanted, found = row["wanted"], row["found"]
    if not isinstance(wanted, list) or not wanted or not isinstance(found, list):
        return None
    return next((place for place, id_ in enumerate(found, start=1) if id_ in wanted), 0)


def _mean(values: Sequence[float]) -> float | None:
    return sum(values) / len(values) if values else None


def _shown(value: float | None) -> str:
    return "—" if value is None else f"{value:.3f}"


def _slices(rows: Sequence[Row]) -> str:
    lines = []
    for part in slice_rows(rows):
        figures = (part.first, part.within_five, part.answered, part.wrong)
        cells = "".join(f'<td class="n">{_shown(value)}</td>' for value in figures)
        lines.append(f'<tr><td>{escape(part.tag)}</td><td class="n">{part.count}</td>{cells}</tr>')
    head = "<tr><th>切片</th><th>条数</th><th>R@1</th><th>R@5</th><th>直接答的</th><th>其中答错</th></tr>"
    return f"<h2>分项</h2><table>{head}{''.join(lines)}</table>"


def _mistakes(rows: Sequence[Row], names: Mapping[str, str]) -> str:
    wrong = sorted((row for row in rows if is_wrong_answer(row)), key=lambda row: -_number(row["score"]))[:WORST]
    lines = []
    for row in wrong:
        wanted = row["wanted"] if isinstance(row["wanted"], list) else []
        right = "；".join(names.get(str(id_), str(id_)) for id_ in wanted) or "（库里没有）"
        parts = row["parts"]
        why = "，".join(f"{name} {value:.2f}" for name, value in parts.items()) if isinstance(parts, Mapping) else ""
        lines.append(
            f"<tr><td>{escape(str(row['query']))}</td><td>{escape(names.get(str(row['answered']), ''))}<br>"
            f"<small>像的问法：{escape(str(row['wording']))}；{escape(why)}</small></td>"
            f'<td>{escape(right)}</td><td class="n">{_number(row["score"]):.3f}</td></tr>'
        )
    head = "<tr><th>问</th><th>答成了</th><th>该答</th><th>分数</th></tr>"
    return f"<h2>最有把握的错</h2><table>{head}{''.join(lines)}</table>" if lines else "<h2>最有把握的错</h2><p>没有答错的。</p>"


def _comparison(rows: Sequence[Row], earlier: Sequence[Row]) -> str:
    before = {str(row["query"]): is_first_right(row) for row in earlier}
    better: list[str] = []
    worse: list[str] = []
    for row in rows:
        now, then = is_first_right(row), before.get(str(row["query"]))
        if now is not None and then is not None and now != then:
            (better if now else worse).append(str(row["query"]))
    changed = len(better) + len(worse)
    chance = binomtest(len(better), changed).pvalue if changed else 1.0
    verdict = "不像是碰巧" if chance < 0.05 else "可能只是碰巧"
    lists = "".join(
        f"<h3>{name}（{len(found)}）</h3><ul>{''.join(f'<li>{escape(query)}</li>' for query in found[:WORST])}</ul>"
        for name, found in (("变好的", better), ("变差的", worse))
    )
    return f"<h2>与上一次比</h2><p>变好 {len(better)} 条，变差 {len(worse)} 条；符号检验 p = {chance:.3f}，{verdict}。</p>{lists}"
