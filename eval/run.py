"""Run labelled cases through match and decide, with no server; the last line printed is one JSON object.

python -m eval.run CASES.jsonl --artifacts DIR [--report DIR [--against DIR]]
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from tqdm import tqdm

from bot import index as indexing
from bot.decide import asks_for_human, decide
from bot.encoder import SentenceEncoder, load_context
from bot.errors import NuanxinError
from bot.index import load
from bot.match import Matcher
from bot.policy import Policy, read_policy
from bot.rank import load_ranker
from bot.settings import read_settings
from bot.text import normalise, prepare
from bot.values import Answer, Clarify, Decision, Matched
from eval.cases import BadCase, Case, read_cases
from eval.metrics import ARTICLE_MEASURES, ENTRY_MEASURES, Decided, Ranking, decision_figures, first_of_two, latency_figures, rank_figures
from eval.report import read_rows, write_report
from knowledge.citations import parse_citation

DEEP = 100
MISTAKEN = "not:"
"""A tag that names the entry a contrast question was written to be mistaken for."""


def evaluate(cases: Sequence[Case], matcher: Matcher, policy: Policy) -> tuple[dict[str, object], list[dict[str, object]]]:
    """Figures over all cases, and one row per case for the report."""
    entries, articles, contrasts, decided, times, rows = [], [], [], [], [], []
    matcher.match("预热")
    for case in tqdm(cases, disable=not sys.stderr.isatty(), unit="问"):
        began = time.perf_counter()
        matched = matcher.match(case.query)
        decision = decide(matched, policy, asks_for_human(normalise(case.query)))
        times.append((time.perf_counter() - began) * 1000)
        kind, answered = _outcome(decision)
        found = tuple(candidate.entry.id for candidate in matched.entries)
        if case.entries is not None:
            entries.append(Ranking(found, case.entries))
            mistaken = frozenset(tag.removeprefix(MISTAKEN) for tag in case.tags if tag.startswith(MISTAKEN))
            if case.entries and mistaken:
                contrasts.append((entries[-1], mistaken))
        if case.articles:
            deep = matcher.match(case.query, articles=DEEP)
            articles.append(Ranking(_article_ids(deep), tuple(dict.fromkeys(map(_citation_id, case.articles)))))
        decided.append(Decided(kind, answered, case.entries, case.expect))
        rows.append(_row(case, matched, kind, answered))
    figures: dict[str, object] = {
        "n": len(cases),
        "entries": rank_figures(entries, ENTRY_MEASURES),
        "articles": rank_figures(articles, ARTICLE_MEASURES),
        "first_of_two": first_of_two(contrasts),
        "decision": decision_figures(decided),
        "latency_ms": latency_figures(times),
    }
    return figures, rows


def _outcome(decision: Decision) -> tuple[str, str | None]:
    if isinstance(decision, Answer):
        return "answer", decision.candidate.entry.id
    return ("clarify", None) if isinstance(decision, Clarify) else ("handoff", None)


def _article_ids(matched: Matched) -> tuple[str, ...]:
    """Law and number, versions of one article counted once."""
    return tuple(dict.fromkeys(f"{hit.article.law}{hit.article.number}" for hit in matched.articles))


def _citation_id(text: str) -> str:
    citation = parse_citation(text)
    return f"{citation.law}{citation.article}" if citation else text


def _row(case: Case, matched: Matched, kind: str, answered: str | None) -> dict[str, object]:
    first = matched.entries[0] if matched.entries else None
    return {
        "query": case.query,
        "wanted": list(case.entries) if case.entries is not None else None,
        "expect": case.expect,
        "kind": kind,
        "answered": answered,
        "found": [candidate.entry.id for candidate in matched.entries[:5]],
        "score": first.score if first else None,
        "wording": first.parts.wording if first else None,
        "parts": {name: getattr(first.parts, name) for name in ("same", "dense", "lexical", "fuzzy")} if first else None,
        "tags": list(case.tags),
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Command line entry; 0 when the figures were printed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cases", type=Path)
    parser.add_argument("--artifacts", type=Path)
    parser.add_argument("--report", type=Path, help="write report.html, summary.json and cases.jsonl here")
    parser.add_argument("--against", type=Path, help="the report of an earlier run on the same cases, to compare with")
    chosen = parser.parse_args(arguments)
    try:
        settings = read_settings()
        cases = read_cases(chosen.cases)
        encoder, context = SentenceEncoder(settings.encoder, threads=1), load_context(settings.context, threads=1)
        prepare()
        indexing.use_one_thread()  # as the server does: the times are those of one core
        earlier = read_rows(chosen.against) if chosen.against else None
        index = load(chosen.artifacts or settings.artifacts, encoder, context)
        matcher = Matcher(index, encoder, load_ranker(settings.ranker), context)
    except (NuanxinError, BadCase, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    figures, rows = evaluate(cases, matcher, read_policy(settings.policy, settings.risk, context is not None))
    if chosen.report:
        names = {entry.id: entry.question for entry in matcher.index.entries}
        print(f"report: {write_report(chosen.report, figures, rows, names, earlier)}")
    print(json.dumps(figures, ensure_ascii=False))
    return 0


if __name__ == "__main__":
    sys.exit(main())
