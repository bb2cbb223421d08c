"""Count how many real questions each entry answered: what the ranker takes for how often an entry is asked for.

python -m training.priors --out bot/models/ranker-zh-v1

Counted are the labels of `training/data/typed_labels.jsonl` (real questions of the shared data, none of which stands in worker_dev or
equals_dev). A hotline that runs would count its own answers instead.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from bot.rank import ASKED
from training.context_asked import TYPED
from training.encoder import read_jsonl


def count_asked(path: Path = TYPED) -> dict[str, int]:
    """How many of the labelled questions each entry answers, by id; entries that answer none are left out."""
    counts: Counter[str] = Counter()
    for row in read_jsonl(path):
        entries = row["entries"]
        assert isinstance(entries, list)
        counts.update(map(str, entries))
    return dict(sorted(counts.items()))


def main(arguments: Sequence[str] | None = None) -> None:
    """Command line entry; the last line is one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--labels", type=Path, default=TYPED)
    parser.add_argument("--out", type=Path, default=Path("bot/models/ranker-zh-v1"))
    chosen = parser.parse_args(arguments)
    counts = count_asked(chosen.labels)
    (chosen.out / ASKED).write_text(json.dumps(counts, indent=0) + "\n", encoding="utf-8")
    print(json.dumps({"entries": len(counts), "labels": sum(counts.values())}))


if __name__ == "__main__":
    main()
