"""Stop a worse index or model: compare a run with the published one, exit 1 where it is worse beyond the margin.

python -m eval.gate NEW/summary.json [--published eval/data/published.json] [--margin 0.01]
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

PUBLISHED = Path(__file__).resolve().parent / "data" / "published.json"
HIGHER = (("entries", "R@1"), ("entries", "R@5"), ("entries", "MRR@10"), ("articles", "R@10"), ("decision", "coverage"))
LOWER = (("decision", "wrong_answer_rate"),)


def find_losses(new: Mapping[str, object], published: Mapping[str, object], margin: float) -> list[str]:
    """Every figure that is worse than the published one by more than the margin, or that is missing now."""
    losses = []
    for names, sign in ((HIGHER, 1), (LOWER, -1)):
        for group, name in names:
            before, now = _figure(published, group, name), _figure(new, group, name)
            if before is None:
                continue
            if now is None:
                losses.append(f"{group} {name}: published {before:.4f}, missing now")
            elif sign * (before - now) > margin + 1e-9:
                losses.append(f"{group} {name}: published {before:.4f}, now {now:.4f}, margin {margin:g}")
    return losses


def _figure(figures: Mapping[str, object], group: str, name: str) -> float | None:
    found = figures.get(group)
    value = found.get(name) if isinstance(found, Mapping) else None
    return float(value) if isinstance(value, int | float) else None


def main(arguments: Sequence[str] | None = None) -> int:
    """Command line entry; 1 where something got worse."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("summary", type=Path)
    parser.add_argument("--published", type=Path, default=PUBLISHED)
    parser.add_argument("--margin", type=float, default=0.01)
    chosen = parser.parse_args(arguments)
    losses = find_losses(
        json.loads(chosen.summary.read_text(encoding="utf-8")), json.loads(chosen.published.read_text(encoding="utf-8")), chosen.margin
    )
    for loss in losses:
        print(loss)
    print("worse than published" if losses else "not worse than published")
    return 1 if losses else 0


if __name__ == "__main__":
    sys.exit(main())
