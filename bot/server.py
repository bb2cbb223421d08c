"""The web application, assembled from parts handed in.

Knows routes, headers and errors; loads nothing by itself.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from importlib.metadata import version

from anyio import to_thread
from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.responses import JSONResponse, PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bot import counting
from bot.channels import api, pages
from bot.dialogue import Dialogue
from bot.errors import StoreError
from bot.jobs import Job, Jobs
from bot.match import Matcher
from bot.store import Store
from bot.wording import STORE_DOWN

LARGEST_BODY = 64 * 1024
THREADS = 4
"""Requests worked on at once in a process: working out an answer keeps a core busy, so a crowd is quicker one after the other."""
log = logging.getLogger("nuanxin.server")


class Guard:
    """Refuses bodies that are too large and puts the security headers on every response; plain ASGI, for every question passes here."""

    def __init__(self, app: ASGIApp, policy: str) -> None:
        self._app = app
        self._headers = [
            (b"content-security-policy", policy.encode()),
            (b"x-content-type-options", b"nosniff"),
            (b"referrer-policy", b"no-referrer"),
        ]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *self._headers]
            await send(message)

        length = next((value for name, value in scope["headers"] if name == b"content-length"), b"0")
        if not length.isdigit() or int(length) > LARGEST_BODY:
            await JSONResponse({"detail": f"请求太大，最多{LARGEST_BODY}字节。"}, 413)(scope, receive, send_guarded)
        else:
            await self._app(scope, receive, send_guarded)


def create_app(
    dialogue: Dialogue,
    matcher: Matcher,
    store: Store,
    longest: int = 2000,
    frame_ancestors: str = "'self'",
    routers: Sequence[APIRouter] = (),
    jobs: Sequence[Job] = (),
) -> FastAPI:
    """The whole application over one index and one database.

    Args:
        routers: further channels, such as WeChat's callback and the agents' desk.
        jobs: run in threads while the application is up.
    """
    runner = Jobs(jobs)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        to_thread.current_default_thread_limiter().total_tokens = THREADS
        runner.start()
        yield
        runner.stop()

    app = FastAPI(
        lifespan=lifespan,
        title="暖心 Nuanxin",
        description="工会热线问答：工人的话进来，审核过的答案、可选的近似问题或人工转接出去。",
        version=version("nuanxin"),
        docs_url=None,
        redoc_url=None,
    )
    policy = (
        "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
        f"object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors {frame_ancestors}"
    )

    app.add_middleware(Guard, policy=policy)

    @app.exception_handler(StoreError)
    async def store_down(request: Request, error: StoreError) -> JSONResponse:
        log.error("store: %s", error)
        return JSONResponse({"detail": STORE_DOWN}, 503, headers={"Retry-After": "5"})

    @app.exception_handler(UnicodeDecodeError)
    async def not_utf8(request: Request, error: UnicodeDecodeError) -> JSONResponse:
        return JSONResponse({"detail": "请求要用 UTF-8 编码。"}, 400)  # a body in GBK, which the framework's own reader leaves unhandled

    @app.exception_handler(Exception)
    async def anything_else(request: Request, error: Exception) -> JSONResponse:
        log.error("fault in %s: %s", request.url.path, type(error).__name__)  # never the worker's words
        return JSONResponse({"detail": STORE_DOWN}, 500)

    @app.get("/healthz", response_class=PlainTextResponse, tags=["state"])
    def healthz() -> str:
        """The process lives."""
        return "ok"

    @app.get("/readyz", tags=["state"])
    def readyz() -> dict[str, object]:
        """Index loaded and database answering; 503 otherwise."""
        store.ping()
        return {"ready": True, "index": matcher.index.version, "counts": matcher.index.manifest.counts}

    @app.get("/metrics", response_class=PlainTextResponse, tags=["state"])
    def metrics() -> Response:
        """Figures for Prometheus."""
        return Response(counting.figures(), media_type=counting.CONTENT_TYPE)

    app.include_router(api.create_router(dialogue, matcher, longest))
    app.include_router(pages.create_router())
    for router in routers:
        app.include_router(router)
    app.mount("/static", pages.static_files(), name="static")
    return app
