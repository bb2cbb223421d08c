"""Who a hand-over goes to and until when: the rules of knowledge/data/routing.yaml, applied.

Pure: told who is on duty, knows no store.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

from bot.handoff.calendar import Calendar, read_holidays
from bot.handoff.places import Places, bundled_places
from bot.handoff.tables import AGENTS, KINDS, LAWYERS
from bot.values import Reason

RULES = Path(__file__).resolve().parent.parent.parent / "knowledge" / "data" / "routing.yaml"
_WHEN = {"reason", "topic", "kind", "priority", "people_at_least", "two_places", "has_near"}
_THEN = {"kind", "group", "priority", "dual"}


@dataclass(frozen=True, slots=True)
class Case:
    """What the rules look at.

    Attributes:
        places: codes of the places named, the employer's first.
        people: how many workers it concerns, where said.
    """

    reason: Reason
    topic: str = ""
    places: tuple[str, ...] = ()
    people: int = 1
    has_near: bool = False


@dataclass(frozen=True, slots=True)
class Route:
    """Where a case goes.

    Attributes:
        terminal: code of the office; also_terminal: the second one, empty where there is one only.
    """

    terminal: str
    also_terminal: str
    group: str
    kind: str
    priority: int


@dataclass(frozen=True, slots=True)
class Deadlines:
    """When a ticket is warned about and must be accepted, UTC."""

    warn_at: datetime
    accept_by: datetime


class Routing:
    """The rules over a tree of offices.

    Args:
        rules: the parsed routing.yaml.

    Raises:
        ValueError: a rule has a key or value that no rule can have; names it.
    """

    def __init__(self, rules: Mapping[str, Any], places: Places) -> None:
        self.places = places
        self._rules: Sequence[Mapping[str, Any]] = rules["rules"]
        self._clock: Sequence[Mapping[str, Any]] = rules["clock"]
        for rule in (*self._rules, *self._clock):
            unknown = set(rule["when"]) - _WHEN
            if unknown:
                raise ValueError(f"routing.yaml: no rule knows the condition {', '.join(sorted(unknown))}")
        for rule in self._rules:
            then = rule["then"]
            if (
                set(then) - _THEN
                or then["kind"] not in KINDS
                or then["group"] not in (AGENTS, LAWYERS)
                or then["priority"] not in (1, 2, 3)
            ):
                raise ValueError(f"routing.yaml: cannot route to {then}")
        if self._rules[-1]["when"] or self._clock[-1]["when"]:
            raise ValueError("routing.yaml: the last rule must have no condition, so that everything goes somewhere")
        self.calendar = Calendar(read_holidays(), rules["working_hours"])
        self.away = timedelta(minutes=int(rules["away_minutes"]))
        self.rating = timedelta(hours=int(rules["rating_hours"]))
        self.on_duty = timedelta(minutes=int(rules["on_duty_minutes"]))

    def route(self, case: Case, on_duty: Collection[tuple[str, str]]) -> Route:
        """Where a case goes.

        Args:
            on_duty: (office code, group) of everyone on duty now.
        """
        then = next(rule["then"] for rule in self._rules if _holds(rule["when"], _facts(case)))
        group = then["group"]
        chain = self.places.chain(case.places[0] if case.places else "")
        if group == LAWYERS and not any((office.code, LAWYERS) in on_duty for office in chain):
            group = AGENTS  # nobody of the skill is there: a person now is worth more than the right one later
        terminal = next((office.code for office in chain if (office.code, group) in on_duty), chain[-1].code)
        also = ""
        if then.get("dual") == "second" and len(case.places) > 1:
            also = case.places[1]
        elif then.get("dual") == "city" and len(chain) > 1:
            also = chain[-2].code
        return Route(terminal, also if also != terminal else "", group, then["kind"], then["priority"])

    def deadlines(self, kind: str, priority: int, since: datetime) -> Deadlines:
        """When a ticket must have been accepted, counted from `since`."""
        then = self._limit(kind, priority)
        return Deadlines(self._after(since, then, "warn_minutes"), self._after(since, then, "accept_minutes"))

    def next_level(self, kind: str, priority: int, since: datetime) -> datetime:
        """When a ticket that went one level up goes up once more, if still nobody takes it."""
        return self._after(since, self._limit(kind, priority), "accept_minutes")

    def _limit(self, kind: str, priority: int) -> Mapping[str, Any]:
        found: Mapping[str, Any] = next(rule["then"] for rule in self._clock if _holds(rule["when"], {"kind": kind, "priority": priority}))
        return found

    def _after(self, since: datetime, then: Mapping[str, Any], name: str) -> datetime:
        minutes = int(then[name])
        return self.calendar.after(since, minutes) if then["calendar"] == "working" else since + timedelta(minutes=minutes)


def _facts(case: Case) -> dict[str, Any]:
    return {
        "reason": case.reason,
        "topic": case.topic,
        "people_at_least": case.people,
        "two_places": len(case.places) > 1,
        "has_near": case.has_near,
    }


def _holds(when: Mapping[str, Any], facts: Mapping[str, Any]) -> bool:
    for name, wanted in when.items():
        if name == "people_at_least":
            if facts[name] < wanted:
                return False
        elif isinstance(wanted, list):
            if facts[name] not in wanted:
                return False
        elif facts[name] != wanted:
            return False
    return True


@lru_cache(maxsize=1)
def bundled_routing() -> Routing:
    """The rules and offices that come with the bot."""
    return Routing(yaml.safe_load(RULES.read_text(encoding="utf-8")), bundled_places())
