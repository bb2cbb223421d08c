"""Are the labels whole? What two judges said of candidates that no label names, between labelled ones and known mistakes.

python -m eval.judged [FILE]     the last line is one JSON object

Pooling (Spärck Jones and van Rijsbergen 1975): what a system puts first and nobody has labelled is judged, by two who do not
know which is which. Verdicts: 2 answers the question, 1 lies near it, 0 is beside it.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from sklearn.metrics import cohen_kappa_score

JUDGED = Path(__file__).resolve().parent / "data" / "judged.jsonl"
ANSWERS = 2


def count_judged(path: Path = JUDGED) -> dict[str, object]:
    """For each set and kind how many were judged and how many both accept; the judges' agreement on accepting (Cohen's kappa)."""
    judged: Counter[str] = Counter()
    accepted: Counter[str] = Counter()
    verdicts: list[list[int]] = []
    for line in path.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        name = f"{row['set']}, {row['kind']}"
        verdicts.append(row["verdicts"])
        judged[name] += 1
        accepted[name] += all(verdict == ANSWERS for verdict in row["verdicts"])
    first, second = ([pair[place] == ANSWERS for pair in verdicts] for place in range(2))
    figures: dict[str, object] = {name: {"judged": judged[name], "both_accept": accepted[name]} for name in sorted(judged)}
    return figures | {"kappa": round(float(cohen_kappa_score(first, second)), 2)}


def main(arguments: Sequence[str] | None = None) -> None:
    """Command line entry."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path, nargs="?", default=JUDGED)
    print(json.dumps(count_judged(parser.parse_args(arguments).file), ensure_ascii=False))


if __name__ == "__main__":
    main()
