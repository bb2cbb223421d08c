"""A stand-in for WeChat's and WeCom's servers on loopback, as strict as the real ones and with a clock of its own.

Enforces what the platforms' pages say: tokens that run out and change, five customer-service messages in
48 hours after a worker's message, three in a minute after a click, calls a minute, 2,048 bytes, WeCom's own
message numbers. Outages and busy phases are switched on from outside. Keeps everything a worker would see.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse

HOURS_48, MINUTE = 48 * 3600.0, 60.0
LARGEST_TEXT = 2048
APPID, SECRET = "wx-fake", "secret-fake"


@dataclass
class Window:
    """When a worker last wrote or clicked, and what was sent since."""

    opened: float
    brief: bool
    sent: int = 0


@dataclass
class FakePlatform:
    """State and rules; `now` gives seconds and may run as fast as a test wants.

    Attributes:
        seen: for each user the texts that arrived, in order.
        refused: errcodes given, with how often.
        over_quota: sends that came although the window was closed or full.
        slow: seconds between taking a message and saying so.
        busy: answer -1 to all sends; down: answer status 502; silent_accept: take the message, then answer 502.
    """

    now: Callable[[], float]
    token_seconds: float = 7200.0
    calls_a_minute: int = 10_000
    windows: dict[str, Window] = field(default_factory=dict)
    seen: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    refused: dict[int, int] = field(default_factory=lambda: defaultdict(int))
    over_quota: int = 0
    busy: bool = False
    down: bool = False
    silent_accept: bool = False
    slow: float = 0.0
    blocked: set[str] = field(default_factory=set)
    tokens_given: int = 0
    typing: int = 0
    menu: dict[str, Any] | None = None
    kf_messages: list[dict[str, Any]] = field(default_factory=list)
    kf_numbers: dict[str, str] = field(default_factory=dict)
    kf_states: dict[str, int] = field(default_factory=dict)
    welcomes: list[str] = field(default_factory=list)
    page: int = 1000

    def __post_init__(self) -> None:
        self._lock = threading.RLock()
        self._tokens: dict[str, float] = {}
        self._calls: list[float] = []

    def heard(self, user: str, brief: bool = False) -> None:
        """A worker wrote (or clicked): the window opens."""
        with self._lock:
            before = self.windows.get(user)
            if brief and before is not None and not before.brief and self.now() - before.opened < HOURS_48:
                return
            self.windows[user] = Window(self.now(), brief)

    def end_tokens(self) -> None:
        """All tokens run out now, before their time."""
        with self._lock:
            self._tokens.clear()

    def give_token(self, prefix: str) -> dict[str, Any]:
        """The token in force, or a new one: asking again does not end it."""
        with self._lock:
            for token, until in self._tokens.items():
                if token.startswith(prefix) and until - self.now() > 300:
                    return {"access_token": token, "expires_in": int(until - self.now())}
            self.tokens_given += 1
            token = f"{prefix}-{self.tokens_given}-{'x' * 40}"
            self._tokens[token] = self.now() + self.token_seconds
            return {"access_token": token, "expires_in": int(self.token_seconds)}

    def check(self, token: str) -> int:
        """errcode of a call with this token, 0 where it may go on."""
        with self._lock:
            if self._tokens.get(token, 0) <= self.now():
                return 42001 if token in self._tokens else 40001
            self._calls = [at for at in self._calls if self.now() - at < MINUTE]
            if len(self._calls) >= self.calls_a_minute:
                return 45009
            self._calls.append(self.now())
            return -1 if self.busy else 0

    def take(self, user: str, text: str) -> int:
        """A message for a worker; errcode."""
        with self._lock:
            if user in self.blocked:
                return 40003
            if len(text.encode()) > LARGEST_TEXT:
                return 45002
            window = self.windows.get(user)
            span, most = (MINUTE, 3) if window is not None and window.brief else (HOURS_48, 5)
            if window is None or self.now() - window.opened >= span:
                self.over_quota += 1
                return 45015
            if window.sent >= most:
                self.over_quota += 1
                return 45047
            window.sent += 1
            self.seen[user].append(text)
            return 0

    def answer(self, code: int, **more: Any) -> JSONResponse:
        """The platform's way of answering."""
        if code:
            self.refused[code] += 1
        return JSONResponse({"errcode": code, "errmsg": "ok" if code == 0 else "fake", **more})


def create_app(fake: FakePlatform) -> FastAPI:
    """The platform's routes."""
    app = FastAPI(openapi_url=None)

    @app.middleware("http")
    async def outage(request: Request, call_next: Any) -> Any:
        if fake.down:
            return JSONResponse({}, 502)
        return await call_next(request)

    @app.post("/cgi-bin/stable_token")
    async def stable_token(request: Request) -> JSONResponse:
        body = await request.json()
        if body.get("appid") != APPID or body.get("secret") != SECRET:
            return fake.answer(40125)
        return JSONResponse(fake.give_token("mp"))

    @app.get("/cgi-bin/gettoken")
    async def gettoken() -> JSONResponse:
        return fake.answer(0, **fake.give_token("qy"))

    @app.post("/cgi-bin/message/custom/send")
    async def send(request: Request, access_token: str = "") -> JSONResponse:
        body = await request.json()
        code = fake.check(access_token) or fake.take(body["touser"], body["text"]["content"])
        if fake.slow:
            await asyncio.sleep(fake.slow)
        if code == 0 and fake.silent_accept:
            return JSONResponse({}, 502)
        return fake.answer(code)

    @app.post("/cgi-bin/message/custom/typing")
    async def typing(access_token: str = "") -> JSONResponse:
        fake.typing += 1
        return fake.answer(fake.check(access_token))

    @app.post("/cgi-bin/menu/create")
    async def menu(request: Request, access_token: str = "") -> JSONResponse:
        fake.menu = await request.json()
        return fake.answer(fake.check(access_token))

    @app.post("/cgi-bin/kf/sync_msg")
    async def sync(request: Request, access_token: str = "") -> JSONResponse:
        body = await request.json()
        if code := fake.check(access_token):
            return fake.answer(code)
        start = int(body.get("cursor") or 0)
        rows = fake.kf_messages[start : start + fake.page]
        end = start + len(rows)
        return fake.answer(0, next_cursor=str(end), has_more=int(end < len(fake.kf_messages)), msg_list=rows)

    @app.post("/cgi-bin/kf/send_msg")
    async def kf_send(request: Request, access_token: str = "") -> JSONResponse:
        body = await request.json()
        if code := fake.check(access_token):
            return fake.answer(code)
        number = body.get("msgid", "")
        if len(number) > 32:
            return fake.answer(40058)
        if number in fake.kf_numbers:
            return fake.answer(95033)
        code = fake.take(body["touser"], body["text"]["content"])
        if code == 0:
            fake.kf_numbers[number] = body["touser"]
        if code == 0 and fake.silent_accept:
            return JSONResponse({}, 502)
        return fake.answer(code, msgid=number)

    @app.post("/cgi-bin/kf/send_msg_on_event")
    async def welcome(request: Request, access_token: str = "") -> JSONResponse:
        body = await request.json()
        fake.welcomes.append(body["text"]["content"])
        return fake.answer(fake.check(access_token))

    @app.post("/cgi-bin/kf/service_state/trans")
    async def trans(request: Request, access_token: str = "") -> JSONResponse:
        body = await request.json()
        fake.kf_states[body["external_userid"]] = body["service_state"]
        return fake.answer(fake.check(access_token))

    return app


@contextmanager
def running(app: FastAPI) -> Iterator[str]:
    """An application served on loopback in a thread; its address."""
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="error", lifespan="on"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    until = time.monotonic() + 10
    while not server.started:
        if time.monotonic() > until:
            raise RuntimeError("the stand-in did not start")
        time.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(10)
