"""Random results for a reader with the full text in hand: what was given, the result, every step with its article.

python -m eval.random_sums [--count 60] [--seed 1]
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal

from bot.calculate.registry import CALCULATIONS
from bot.calculate.values import Calculation, Field, Result, Value
from bot.estimate import next_field, say_result, work

TODAY = date(2026, 11, 26)
_COUNTS = {"级": (1, 10), "天": (0, 20), "小时": (1, 60), "年": (0, 30), "个月": (0, 24), "人": (0, 3), "个": (1, 3)}


def draw(field: Field, known: dict[str, Value], rng: random.Random) -> Value:
    """A value that somebody could give."""
    if field.kind == "date":
        earlier = max((value for value in known.values() if isinstance(value, date)), default=date(2009, 1, 1))
        if field.name == "born":
            earlier = date(1963, 1, 1)
            return earlier + timedelta(days=rng.randrange(8000))
        span = max(1, (TODAY - earlier).days)
        return earlier + timedelta(days=rng.randrange(span))
    if field.kind == "money":
        return Decimal(rng.randrange(2200, 15000, 50))
    if field.kind == "yes":
        return rng.random() < 0.5
    if field.kind == "choice":
        return rng.choice(field.choices)[0]
    low, high = _COUNTS.get(field.unit, (0, 36))
    return rng.randint(low, high)


def result(calculation: Calculation, rng: random.Random) -> tuple[dict[str, Value], Result]:
    """Values that make a result, and the result."""
    while True:
        known: dict[str, Value] = {}
        skipped: frozenset[str] = frozenset()
        while (field := next_field(calculation, known, skipped)) is not None:
            if field.optional and rng.random() < 0.5:
                skipped |= {field.name}
            else:
                known[field.name] = draw(field, known, rng)
        found = work(calculation, known, TODAY)
        if isinstance(found, Result):
            return known, found


def main(arguments: Sequence[str] | None = None) -> None:
    """Command line entry."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=60)
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args(arguments)
    rng = random.Random(chosen.seed)  # noqa: S311
    names = list(CALCULATIONS)
    for number in range(chosen.count):
        calculation = CALCULATIONS[names[number % len(names)]]
        known, found = result(calculation, rng)
        print(f"===== {number + 1}. {calculation.title}（今天是{TODAY}）\n{say_result(calculation, known, found)}\n")


if __name__ == "__main__":
    main()
