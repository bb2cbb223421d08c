"""Figures of the official account's channel against a real server: many at once, a slow engine in real time, replays.

python -m eval.wechat [--artifacts DIR] [--count 200]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import httpx
from sqlalchemy import func, select

from bot.channels import wechat
from bot.dialogue import Dialogue, Keep, keep_no_more, utc_now
from bot.server import create_app
from bot.settings import read_settings
from bot.store import OutboxRow, Store, Turn
from bot.values import Message, Reply
from bot.weixin.account import make_account
from bot.weixin.client import wechat_platform
from bot.weixin.deliver import Deliverer
from bot.weixin.receive import Receiver
from bot.weixin.simulate import Phone
from eval.bench import ROOT, mixed_questions, wait_until_ready
from eval.fake_platform import APPID, SECRET, FakePlatform, running
from eval.fake_platform import create_app as create_platform
from eval.metrics import latency_figures
from serve import wire

AES_KEY = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG"
WARM_UP = 60
"""Messages answered before those that are timed: a server just started still copies pages and opens its database."""
ACCOUNT = make_account(APPID, "token", AES_KEY)


@contextmanager
def channel(dialogue: Any, matcher: Any, store: Store, can_push: bool) -> Iterator[str]:
    """A server with the channel; its callback's address."""
    receiver = Receiver(ACCOUNT, dialogue, store, utc_now, "https://example.invalid", can_push)
    with running(create_app(dialogue, matcher, store, routers=[wechat.create_router(ACCOUNT, receiver)])) as url:
        yield f"{url}/wechat"


def as_http(url: str, query: dict[str, str], body: bytes) -> bytes:
    """A request as it goes over the wire."""
    parts = urlsplit(url)
    head = f"POST {parts.path}?{urlencode(query)} HTTP/1.1\r\nHost: {parts.netloc}\r\nContent-Type: text/xml\r\n"
    return f"{head}Content-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode() + body


async def send_together(url: str, requests: Sequence[bytes]) -> list[tuple[bytes, bytes, float]]:
    """Head, body and seconds of each reply; all connections stand before the first byte is sent, so the server alone is timed."""
    parts = urlsplit(url)
    streams = [await asyncio.open_connection(parts.hostname, parts.port) for _ in requests]

    async def one(request: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> tuple[bytes, bytes, float]:
        began = time.perf_counter()
        writer.write(request)
        head, _, body = (await reader.read(-1)).partition(b"\r\n\r\n")
        writer.close()
        return head, body, time.perf_counter() - began

    return await asyncio.gather(*(one(request, *stream) for request, stream in zip(requests, streams, strict=True)))


@contextmanager
def server(artifacts: Path, folder: str, more: dict[str, str]) -> Iterator[str]:
    """serve.py as a process of its own, as a union would run it; its callback's address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    own = {"NUANXIN_WECHAT_APPID": APPID, "NUANXIN_WECHAT_TOKEN": "token", "NUANXIN_WECHAT_AES_KEY": AES_KEY}
    database = {"NUANXIN_DATABASE": f"sqlite:///{folder}/{port}.db", "NUANXIN_PUBLIC_URL": "https://example.invalid"}
    command = [sys.executable, str(ROOT / "serve.py"), "--artifacts", str(artifacts), "--port", port]
    process = subprocess.Popen(command, cwd=ROOT, env=os.environ | own | database | more, stdout=subprocess.DEVNULL)  # noqa: S603
    try:
        wait_until_ready(f"http://127.0.0.1:{port}/readyz", process)
        yield f"http://127.0.0.1:{port}/wechat"
    finally:
        process.terminate()
        process.wait(timeout=20)


def at_once(url: str, questions: Sequence[str], fake: FakePlatform | None) -> dict[str, object]:
    """Every question from a worker of its own, all in the same moment; times of the HTTP replies in ms.

    Args:
        fake: the platform that answers are pushed through where they come late.
    """
    phones = [Phone(url, ACCOUNT) for _ in questions]
    if fake is not None:
        for phone in phones:
            fake.heard(phone.user)
    requests = [
        as_http(url, *phone.request(phone.message("text", ("Content", text)))) for phone, text in zip(phones, questions, strict=True)
    ]
    results = asyncio.run(send_together(url, requests))
    if any(not head.startswith(b"HTTP/1.1 200") for head, _, _ in results):
        raise RuntimeError("not all replies are 200")
    times, answered = [seconds * 1000 for _, _, seconds in results], [bool(body) for _, body, _ in results]
    found: dict[str, object] = {"messages": len(questions), "answered_in_reply": sum(answered)}
    if fake is not None:
        until = time.monotonic() + 30
        while sum(map(len, fake.seen.values())) + sum(answered) < len(questions) and time.monotonic() < until:
            time.sleep(0.2)
        found["pushed"] = sum(map(len, fake.seen.values()))
    return found | {"reply_ms": latency_figures(times) | {"max": round(max(times), 1)}}


class Slow(Dialogue):
    """A dialogue whose engine sleeps six seconds first."""

    def reply(self, message: Message, keep: Keep = keep_no_more) -> Reply:
        time.sleep(6.0)
        return super().reply(message, keep)


def storm(make: Callable[[type[Dialogue]], Dialogue], matcher: Any, store: Store) -> dict[str, object]:
    """One message, sent again at 5, 10 and 15 s as the platform does, to an engine that takes 6 s; delivered by a stand-in platform."""
    fake = FakePlatform(time.monotonic)
    with running(create_platform(fake)) as platform, channel(make(Slow), matcher, store, True) as url:
        deliverer = Deliverer("wechat", store, wechat_platform(APPID, SECRET, platform), utc_now)
        phone = Phone(url, ACCOUNT)
        fake.heard(phone.user)
        query, body = phone.request(phone.message("text", ("Content", "老板不发工资咋整")))
        times, bodies, began = [], [], time.monotonic()
        for at in (0, 5, 10, 15):
            time.sleep(max(0.0, began + at - time.monotonic()))
            sent = time.monotonic()
            bodies.append(httpx.post(url, params=query, content=body, timeout=20).content)
            times.append(round(time.monotonic() - sent, 2))
            deliverer.run()
        return {"reply_s": times, "answers_in_replies": sum(map(bool, bodies)), "delivered": len(fake.seen[phone.user])}


def replay(url: str, store: Store) -> dict[str, object]:
    """The same signed request 50 times at once."""
    phone = Phone(url, ACCOUNT)
    query, body = phone.request(phone.message("text", ("Content", "转人工")))
    before = _turns(store)
    with ThreadPoolExecutor(50) as pool:
        answers = list(pool.map(lambda _: httpx.post(url, params=query, content=body, timeout=20), range(50)))
    different = {answer.content for answer in answers if answer.content}
    return {
        "requests": 50,
        "status": sorted({a.status_code for a in answers}),
        "different_replies": len(different),
        "turns": _turns(store) - before,
    }


def _turns(store: Store) -> int:
    with store.transaction() as session:
        return session.scalar(select(func.count()).select_from(Turn)) or 0


def main(arguments: Sequence[str] | None = None) -> None:
    """Command line entry: one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--artifacts", type=Path, default=Path("artifacts"))
    parser.add_argument("--count", type=int, default=200)
    chosen = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        settings = read_settings().model_copy(update={"artifacts": chosen.artifacts, "database": f"sqlite:///{folder}/wechat.db"})
        dialogue, matcher, store = wire(settings)

        def make(kind: type[Dialogue]) -> Dialogue:
            return kind(matcher, dialogue.policy, store)

        questions = mixed_questions(None, chosen.count)
        fake = FakePlatform(time.monotonic)
        with running(create_platform(fake)) as platform:
            figures: dict[str, object] = {}
            for name, more in (("at_once", {}), ("at_once_with_push", {"NUANXIN_WECHAT_SECRET": SECRET, "NUANXIN_WECHAT_API": platform})):
                with server(chosen.artifacts, folder, more) as url:
                    at_once(url, questions[:WARM_UP], fake if more else None)
                    figures[name] = at_once(url, questions, fake if more else None)
        with channel(dialogue, matcher, store, False) as url:
            figures["replay"] = replay(url, store)
        figures["storm"] = storm(make, matcher, store)
        with store.transaction() as session:
            figures["left_in_outbox"] = session.scalar(select(func.count()).select_from(OutboxRow).where(OutboxRow.state != "sent"))
        store.close()
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
