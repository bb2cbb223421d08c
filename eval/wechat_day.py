"""A day of traffic in fast time: workers, agents, outages, busy phases; then every answer is accounted for.

python -m eval.wechat_day [--workers 300] [--seed 1]

Platform, database and HTTP are real (the platform is our strict stand-in); only the clock runs ahead. The
answers are made by a plain dialogue of canned replies, for it is the delivery that is tried here.
"""

from __future__ import annotations

import argparse
import json
import random
import tempfile
from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import select

from bot import outbox
from bot.store import Conversation, OutboxRow, Store
from bot.weixin import rows
from bot.weixin.client import wechat_platform
from bot.weixin.deliver import Deliverer
from eval.fake_platform import APPID, SECRET, FakePlatform, create_app, running

MINUTES = 24 * 60
START = datetime(2026, 3, 2)


def run(workers: int, seed: int) -> dict[str, object]:
    """Play the day, let it settle, and compare what was written with what arrived."""
    rng = random.Random(seed)  # noqa: S311 a plan, not a secret
    clock = [0.0]
    fake = FakePlatform(lambda: clock[0], calls_a_minute=60)
    written: dict[str, list[str]] = {f"u{n}": [] for n in range(workers)}
    talk: dict[str, str] = {}
    figures: Counter[str] = Counter()

    def now() -> datetime:
        return START + timedelta(seconds=clock[0])

    with tempfile.TemporaryDirectory() as folder, running(create_app(fake)) as url:
        store = Store(f"sqlite:///{folder}/day.db")
        deliverer = Deliverer("wechat", store, wechat_platform(APPID, SECRET, url, lambda: clock[0]), now)

        def hear(user: str, brief: bool) -> None:
            fake.heard(user, brief)
            with store.transaction() as session:
                talk[user] = rows.hear(session, "wechat", user, "gh_1", now(), brief)
            figures["clicks" if brief else "messages"] += 1

        def write(user: str) -> None:
            text = f"{user}第{len(written[user])}条"
            written[user].append(text)
            with store.transaction() as session:
                outbox.put(session, session.get_one(Conversation, talk[user]), "agent", text, now())
            figures["answers"] += 1

        due: list[tuple[int, str]] = []
        for minute in range(MINUTES):
            clock[0] = minute * 60.0
            load = 4 if 8 * 60 <= minute < 20 * 60 else 1
            for _ in range(rng.randrange(0, 2 * load)):
                user = rng.choice(list(written))
                hear(user, rng.random() < 0.15)
                for _ in range(rng.choice([1, 1, 1, 2, 3, 7])):  # the bot late, an agent within hours, some after two days
                    due.append((minute + rng.choice([0, 0, 1, 5, 60, 300]), user))
            for user in [user for at, user in due if at <= minute]:
                write(user)
            due = [(at, user) for at, user in due if at > minute]
            fake.busy = 600 <= minute < 630 or rng.random() < 0.02
            fake.down = 840 <= minute < 855
            if minute in (300, 700, 1100):
                fake.end_tokens()
            for _ in range(3):
                deliverer.run()
                clock[0] += 15
        fake.busy = fake.down = False
        for _ in range(40):
            clock[0] += 1300
            deliverer.run()
        after_day = _account(store, fake, written)
        for user in written:  # the next morning everyone writes once more
            if user in talk:
                hear(user, False)
        for _ in range(40):
            clock[0] += 60
            deliverer.run()
        next_day = _account(store, fake, written)
        store.close()
    return dict(figures) | {
        "refused": dict(fake.refused),
        "tokens": fake.tokens_given,
        "after_the_day": after_day,
        "next_morning": next_day,
    }


def _account(store: Store, fake: FakePlatform, written: dict[str, list[str]]) -> dict[str, object]:
    with store.transaction() as session:
        states = Counter(session.scalars(select(OutboxRow.state)))
    arrived = sum(map(len, fake.seen.values()))
    twice = sum(len(texts) - len(set(texts)) for texts in fake.seen.values())
    in_order = sum(texts == written[user][: len(texts)] for user, texts in fake.seen.items())
    return {
        "states": dict(states),
        "arrived": arrived,
        "twice": twice,
        "lost": sum(map(len, written.values())) - sum(states.values()),
        "workers_in_order": f"{in_order}/{len(fake.seen)}",
        "over_quota": fake.over_quota,
    }


def main(arguments: Sequence[str] | None = None) -> None:
    """Command line entry: one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workers", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args(arguments)
    print(json.dumps(run(chosen.workers, chosen.seed), ensure_ascii=False))


if __name__ == "__main__":
    main()
