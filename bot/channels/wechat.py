"""The official account's callback at /wechat: opened, waited for, answered inside the platform's five seconds.

Decides nothing about what is said. Every request that is not the platform's gets the same 403.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from fastapi import APIRouter, Request, Response

from bot.channels.body import read_capped, refuse, too_large
from bot.counting import Counter, Histogram
from bot.errors import StoreError
from bot.weixin.account import Account
from bot.weixin.codec import Refused, check_url, open_request
from bot.weixin.messages import read_message
from bot.weixin.receive import Receiver, Waiting

LIMIT_SECONDS = 4.2
"""The platform cuts at 5 s and sends again; the way there and back is in the difference."""
LIMIT_WITH_PUSH = 1.2
"""Where answers can also be pushed, a crowd need not wait that long: the rest comes as customer-service messages."""
WORKERS = 1
"""Threads a process: the engine keeps one core busy, a second thread only takes turns with it (200 at once: 1.6 s, with one 1.2 s)."""
ASK_AGAIN = 0.1
TOOK = Histogram("nuanxin_wechat_seconds", "Time from a push to its HTTP reply.", buckets=(0.02, 0.05, 0.1, 0.5, 1, 2, 4, 4.5, 5))
PUSHES = Counter("nuanxin_wechat_pushes", "Pushes by what became of them.", ["outcome"])
log = logging.getLogger("nuanxin.wechat")


def create_router(
    account: Account,
    receiver: Receiver,
    limit_seconds: float = LIMIT_SECONDS,
    clock: Callable[[], float] = time.time,
    show_typing: Callable[[str], object] | None = None,
) -> APIRouter:
    """The two routes of the callback.

    Args:
        show_typing: tells a worker whose answer comes late that it is being written; None where nothing can be pushed.
    """
    router = APIRouter(prefix="/wechat", include_in_schema=False)
    pool = ThreadPoolExecutor(WORKERS, thread_name_prefix="wechat")

    def refused(reason: Refused) -> Response:
        log.warning("refused: %s", reason)
        PUSHES.labels("refused").inc()
        return refuse()

    @router.get("")
    def check(request: Request) -> Response:
        """The platform checks the address when it is entered on its page."""
        try:
            return Response(check_url(account, request.query_params, clock()), media_type="text/plain")
        except Refused as reason:
            return refused(reason)

    @router.post("")
    async def push(request: Request) -> Response:
        """A message or an event."""
        began = time.monotonic()
        body = await read_capped(request)
        if body is None:
            return too_large()
        try:
            opened = open_request(account, request.query_params, body, clock())
            incoming = read_message(opened.fields)
        except Refused as reason:
            return refused(reason)
        waiting = Waiting()
        until = began + limit_seconds
        try:
            while True:
                working = asyncio.get_running_loop().run_in_executor(pool, receiver.handle, incoming, opened, waiting)
                done, _ = await asyncio.wait({working}, timeout=max(0.0, until - time.monotonic()))
                if not done and waiting.leave():  # nobody waits any more: the answer goes through the outbox
                    working.add_done_callback(_log_fault)
                    PUSHES.labels("late").inc()
                    if show_typing is not None:
                        asyncio.get_running_loop().run_in_executor(None, show_typing, incoming.user).add_done_callback(_forget)
                    return Response(b"")
                reply = await working
                if reply is not None or time.monotonic() + ASK_AGAIN > until:
                    break
                await asyncio.sleep(ASK_AGAIN)  # another server, or another try, is at the same push
        except StoreError as error:
            log.error("store: %s", error)
            PUSHES.labels("failed").inc()
            return Response("busy", 503, media_type="text/plain", headers={"Retry-After": "5"})  # the platform sends it again
        finally:
            TOOK.observe(time.monotonic() - began)
        PUSHES.labels("answered" if reply else "silent").inc()
        return Response(reply, media_type="application/xml" if reply else "text/plain")

    return router


def _forget(working: asyncio.Future[object]) -> None:
    """A sign of writing that did not get through is no loss; its error is taken so that nobody reports it."""
    if not working.cancelled():
        working.exception()


def _log_fault(working: asyncio.Future[bytes | None]) -> None:
    if not working.cancelled() and (error := working.exception()) is not None:
        log.error("late answer failed: %s", type(error).__name__)
