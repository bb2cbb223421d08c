"""The figures a supervisor decides on: counted from the rows, over a span of days of Beijing time.

Knows sums, not pages. A rate without a case is None, never zero.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime, time, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, case, func, or_, select, true
from sqlalchemy.orm import Session

from bot.handoff.calendar import BEIJING
from bot.handoff.places import Places, scope
from bot.handoff.tables import Agent, TicketRow
from bot.index import Index
from bot.store import Conversation, Store, Turn

MOST_DAYS = 366
UNANSWERED = 20
REASONS: dict[str, str] = {
    "asked": "群众要求人工",
    "unclear": "拿不准",
    "outside": "题库外",
    "fault": "系统出错",
    "urgent": "紧急",
    "complaint": "投诉登记",
    "phone": "电话登记",
}
CHANNELS: dict[str, str] = {"web": "网页", "wechat": "微信公众号", "wecom": "微信客服", "phone": "电话", "shell": "命令行"}
Json = dict[str, Any]


class Statistics:
    """Figures over one store.

    Args:
        closing: hours within which a ticket should be done once accepted.
    """

    def __init__(self, store: Store, index: Index, places: Places, now: Callable[[], datetime], closing: int = 72) -> None:
        self._store = store
        self._index = index
        self._places = places
        self._now = now
        self._closing = timedelta(hours=closing)

    def figures(self, agent: Agent, first: date, last: date) -> Json:
        """Everything between two days, both included, for a supervisor's region.

        The conversations and the bot's answers are the whole hotline's: a worker who asks the bot has named no place.

        Raises:
            ValueError: the days are in the wrong order or too far apart.
        """
        if first > last or (last - first).days > MOST_DAYS:
            raise ValueError(f"请选一段不超过{MOST_DAYS}天的日期，前一个不晚于后一个。")
        begin, end = (datetime.combine(day, time()) - BEIJING for day in (first, last + timedelta(days=1)))

        def of_tickets() -> dict[str, list[Json]]:
            with self._store.reading() as session:
                return self._tickets(session, agent, begin, end)

        with ThreadPoolExecutor(1) as beside, self._store.reading() as session:  # the database works on both at once
            waiting = beside.submit(of_tickets)
            turns = self._turns(session, begin, end)
            conversations = session.scalar(
                select(func.count()).select_from(Conversation).where(Conversation.created_at >= begin, Conversation.created_at < end)
            )
            unanswered = self._unanswered(session, begin, end)
            rows = waiting.result()
        return {
            "first": first.isoformat(),
            "last": last.isoformat(),
            "region": self._places.full_name(self._places.by_code[agent.region]),
            "totals": {"conversations": conversations or 0} | turns["totals"] | _rates(rows["few"]),
            "by_day": self._by_day(first, last, turns["days"], rows["days"]),
            "by_channel": _group(rows["few"], "channel", lambda key: CHANNELS.get(key, key)),
            "by_region": _group(rows["terminals"], "terminal", self._city(agent.region)),
            "by_topic": _group(rows["topics"], "topic", lambda key: key or "未归类"),
            "by_reason": _group(rows["few"], "reason", lambda key: REASONS.get(key, key)),
            "by_kind": _group(rows["few"], "kind", lambda key: key),
            "complaints": _group(rows["complaints"], "topic", lambda key: key or "未归类"),
            "answered_topics": self._answered_topics(turns["entries"]),
            "unanswered": unanswered,
        }

    def _turns(self, session: Session, begin: datetime, end: datetime) -> Json:
        """What the bot said, by day and kind, and which entries it answered with."""
        span = Turn.at >= begin, Turn.at < end
        day = self._day(session, Turn.at)
        days: defaultdict[str, Counter[str]] = defaultdict(Counter)
        for when, kind, count in session.execute(select(day, Turn.kind, func.count()).where(*span).group_by(day, Turn.kind)):
            days[str(when)][kind] += count
        answers = (
            select(Turn.entry_id, func.count()).where(*span, Turn.kind == "answer", Turn.entry_id.is_not(None)).group_by(Turn.entry_id)
        )
        entries = {row[0]: row[1] for row in session.execute(answers)}
        total: Counter[str] = sum(days.values(), Counter())
        asked = total["answer"] + total["clarify"] + total["handoff"]
        return {
            "days": days,
            "entries": entries,
            "totals": {
                "questions": asked,
                "answered": total["answer"],
                "asked_back": total["clarify"],
                "handed_over": total["handoff"],
                "answered_share": _share(total["answer"], asked),
            },
        }

    def _tickets(self, session: Session, agent: Agent, begin: datetime, end: datetime) -> dict[str, list[Json]]:
        """A row a group with what was in time, grouped a few ways: the database adds up, so that many tickets stay few rows."""
        day = self._day(session, TicketRow.opened_at)
        begins = scope(agent.region)
        here = or_(TicketRow.terminal.startswith(begins), TicketRow.also_terminal.startswith(begins))
        if agent.region == self._places.top.code:
            here = true()

        def total(condition: ColumnElement[bool]) -> Any:
            return func.sum(case((condition, 1), else_=0))

        # A ticket still waiting counts as late once its time is over, as in time only once somebody took it.
        columns = {
            "count": func.count(),
            "accepted_in_time": total(and_(TicketRow.accepted_at.is_not(None), TicketRow.breached_at.is_(None))),
            "accept_decided": total(or_(TicketRow.accepted_at.is_not(None), TicketRow.breached_at.is_not(None))),
            "answered": total(TicketRow.answered_at.is_not(None)),
            "closed": total(TicketRow.closed_at.is_not(None)),
            "rated": total(TicketRow.rating != ""),
            "satisfied": total(TicketRow.rating.in_(("满意", "基本满意"))),
        }
        span = here, TicketRow.opened_at >= begin, TicketRow.opened_at < end
        wanted = [c.label(n) for n, c in columns.items()] + [total(self._in_time(session)).label("answered_in_time")]

        def grouped(**keys: Any) -> list[Json]:
            found = select(*(key.label(name) for name, key in keys.items()), *wanted).where(*span).group_by(*keys.values())
            return [dict(row._mapping) for row in session.execute(found)]

        few = grouped(channel=TicketRow.channel, reason=TicketRow.reason, kind=TicketRow.kind)
        topics = grouped(topic=TicketRow.topic, reason=TicketRow.reason)
        return {
            "few": few,
            "topics": topics,
            "complaints": [row for row in topics if row["reason"] == "complaint"],
            "days": grouped(day=day),
            "terminals": grouped(terminal=TicketRow.terminal),
        }

    def _in_time(self, session: Session) -> ColumnElement[bool]:
        hours = self._closing.total_seconds() / 3600
        if session.get_bind().dialect.name == "postgresql":
            took: ColumnElement[Any] = func.extract("epoch", TicketRow.answered_at - TicketRow.opened_at) / 3600
        else:
            took = (func.julianday(TicketRow.answered_at) - func.julianday(TicketRow.opened_at)) * 24
        return and_(TicketRow.answered_at.is_not(None), took <= hours)

    @staticmethod
    def _day(session: Session, column: Any) -> ColumnElement[Any]:
        """The day of Beijing time."""
        if session.get_bind().dialect.name == "postgresql":
            return func.to_char(column + BEIJING, "YYYY-MM-DD")
        return func.date(column, "+8 hours")

    def _by_day(self, first: date, last: date, turns: Mapping[str, Counter[str]], rows: list[Json]) -> list[Json]:
        opened: Counter[str] = Counter()
        for row in rows:
            opened[str(row["day"])] += row["count"]
        days = [(first + timedelta(days=offset)).isoformat() for offset in range((last - first).days + 1)]
        return [
            {
                "day": day,
                "answered": turns.get(day, Counter())["answer"],
                "asked_back": turns.get(day, Counter())["clarify"],
                "handed_over": turns.get(day, Counter())["handoff"],
                "tickets": opened[day],
            }
            for day in days
        ]

    def _city(self, region: str) -> Callable[[str], str]:
        """Names the office one level below the supervisor's own that a ticket is in."""
        below_city = not region.endswith("0000")

        def name(code: str) -> str:
            chain = self._places.chain(code)
            wanted = "county" if below_city else "city"
            office = next((place for place in chain if place.level == wanted), chain[0])
            return office.name

        return name

    def _answered_topics(self, entries: Mapping[str, int]) -> list[Json]:
        found: Counter[str] = Counter()
        for entry_id, count in entries.items():
            entry = self._index.entry(entry_id)
            found[(entry.topic if entry else "") or "未归类"] += count
        return [{"name": name, "count": count} for name, count in found.most_common()]

    @staticmethod
    def _unanswered(session: Session, begin: datetime, end: datetime) -> list[Json]:
        """Words the bot could not answer, the most frequent first; masked as they are kept."""
        span = Turn.at >= begin, Turn.at < end, Turn.kind.in_(("clarify", "handoff")), Turn.entry_id.is_(None), func.length(Turn.text) > 3
        count = func.count().label("count")
        found = select(Turn.text, count, func.max(Turn.at)).where(*span).group_by(Turn.text).order_by(count.desc())
        return [
            {"text": text[:120], "count": total, "last": last.isoformat(timespec="seconds") + "Z"}
            for text, total, last in session.execute(found.limit(UNANSWERED))
        ]


def _group(rows: Iterable[Json], key: str, name_of: Callable[[str], str]) -> list[Json]:
    groups: defaultdict[str, list[Json]] = defaultdict(list)
    for row in rows:
        groups[name_of(str(row[key]))].append(row)
    found = [{"name": name} | _rates(some) for name, some in groups.items()]
    return sorted(found, key=lambda one: (-one["tickets"], one["name"]))


def _rates(rows: Iterable[Json]) -> Json:
    total: Counter[str] = Counter()
    for row in rows:
        for name in ("count", "accepted_in_time", "accept_decided", "answered", "answered_in_time", "closed", "rated", "satisfied"):
            total[name] += int(row[name] or 0)
    return {
        "tickets": total["count"],
        "accepted_in_time": _share(total["accepted_in_time"], total["accept_decided"]),
        "done": total["answered"],
        "done_in_time": _share(total["answered_in_time"], total["answered"]),
        "closed": total["closed"],
        "rated": total["rated"],
        "satisfied": _share(total["satisfied"], total["rated"]),
    }


def _share(part: int, whole: int) -> float | None:
    return round(part / whole, 4) if whole else None


def count_tickets(store: Store, now: Callable[[], datetime]) -> list[tuple[str, str, dict[str, str], float]]:
    """What a Prometheus server is told of the tickets: name, what it is, labels, value."""
    late = case((TicketRow.breached_at.is_not(None), 1), else_=0)
    taken = case((TicketRow.accepted_at.is_not(None), 1), else_=0)
    with store.reading() as session:
        groups = session.execute(
            select(TicketRow.state, TicketRow.kind, TicketRow.channel, func.count(), func.sum(late), func.sum(taken)).group_by(
                TicketRow.state, TicketRow.kind, TicketRow.channel
            )
        ).all()
        day = now() - timedelta(hours=24)
        turns = session.execute(select(Turn.kind, func.count()).where(Turn.at >= day).group_by(Turn.kind)).all()
        begun = session.execute(
            select(Conversation.channel, func.count()).where(Conversation.created_at >= day).group_by(Conversation.channel)
        ).all()
        rated = session.execute(select(TicketRow.rating, func.count()).where(TicketRow.rating != "").group_by(TicketRow.rating)).all()
    found: list[tuple[str, str, dict[str, str], float]] = []
    for state, kind, channel, count, were_late, accepted in groups:
        labels = {"state": state, "kind": kind, "channel": channel}
        found.append(("nuanxin_tickets", "Tickets now in the store.", labels, float(count)))
        found.append(("nuanxin_tickets_late", "Tickets not accepted in time.", labels, float(were_late or 0)))
        found.append(("nuanxin_tickets_accepted", "Tickets that somebody took.", labels, float(accepted or 0)))
    found += [("nuanxin_turns_24h", "Turns of the last day by what they count as.", {"kind": kind}, float(n)) for kind, n in turns]
    found += [("nuanxin_conversations_24h", "Conversations begun in the last day.", {"channel": c}, float(n)) for c, n in begun]
    found += [("nuanxin_ratings", "Workers' ratings of tickets.", {"rating": rating}, float(count)) for rating, count in rated]
    return found
