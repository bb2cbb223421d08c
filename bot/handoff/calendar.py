"""Minutes of working time: offices open on working days, as Chinese public holidays and swapped weekends have it.

Days come from knowledge/data/holidays.yaml. Times in and out are UTC without zone; offices keep Beijing time.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

HOLIDAYS = Path(__file__).resolve().parent.parent.parent / "knowledge" / "data" / "holidays.yaml"
BEIJING = timedelta(hours=8)
"""China has no summer time, so this is all there is to its zone."""
FARTHEST = 400


class Calendar:
    """Which days are working days, and when offices are open on them.

    Args:
        years: as in holidays.yaml.
        hours: opening times such as "08:30-12:00", in order.
    """

    def __init__(self, years: Mapping[Any, Mapping[str, Sequence[Any]]], hours: Sequence[str]) -> None:
        self._off: set[date] = set()
        self._work: set[date] = set()
        self.known_years = frozenset(int(year) for year in years)
        for year in years.values():
            if set(year) - {"free", "worked"}:
                raise ValueError("holidays.yaml: a year has free and worked days, nothing else")
            for spell in year.get("free", ()):
                first, _, last = str(spell).partition("/")
                day = date.fromisoformat(first)
                while day <= date.fromisoformat(last or first):
                    self._off.add(day)
                    day += timedelta(days=1)
            self._work |= {date.fromisoformat(str(day)) for day in year.get("worked", ())}
        self._hours = [tuple(time.fromisoformat(part) for part in span.split("-")) for span in hours]
        if not self._hours or any(start >= end for start, end in self._hours):
            raise ValueError("working hours must be spans such as 08:30-12:00")

    def is_working_day(self, day: date) -> bool:
        """A weekday that is no holiday, or a weekend day that is worked instead."""
        return day in self._work or (day.weekday() < 5 and day not in self._off)

    def after(self, start: datetime, minutes: int) -> datetime:
        """When so many minutes of working time have gone by since `start`."""
        left = timedelta(minutes=minutes)
        for opens, closes in self._spans(start + BEIJING):
            if left <= closes - opens:
                return opens + left - BEIJING
            left -= closes - opens
        raise ValueError("no working time within reach")

    def _spans(self, start: datetime) -> Iterator[tuple[datetime, datetime]]:
        for offset in range(FARTHEST):
            day = start.date() + timedelta(days=offset)
            if not self.is_working_day(day):
                continue
            for opens, closes in self._hours:
                begin, end = datetime.combine(day, opens), datetime.combine(day, closes)
                if end > start:
                    yield max(begin, start), end


@lru_cache(maxsize=1)
def read_holidays() -> Mapping[Any, Mapping[str, Sequence[Any]]]:
    """The years of holidays.yaml."""
    found: Mapping[Any, Mapping[str, Sequence[Any]]] = yaml.safe_load(HOLIDAYS.read_text(encoding="utf-8"))
    return found
