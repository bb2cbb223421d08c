"""One loaded application served by several processes that share its memory; the only Gunicorn and Uvicorn user.

The index is loaded once and the processes are forked from it, so that a second core costs no second copy.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import uvicorn
from fastapi import FastAPI
from gunicorn.app.base import BaseApplication
from gunicorn.glogging import Logger

GRACE_SECONDS = 8
"""How long a stop waits for answers under way."""


class _Plain(Logger):  # type: ignore[misc]  # gunicorn has no types
    """Gunicorn's own logger without its own handlers: its lines go where all others go."""

    def setup(self, cfg: Any) -> None:
        self.error_log.handlers, self.error_log.propagate = [], True
        self.access_log.handlers, self.access_log.propagate = [], False
        self.error_log.setLevel("WARNING")


class _Forked(BaseApplication):  # type: ignore[misc]  # gunicorn has no types
    def __init__(self, app: FastAPI, host: str, port: int, count: int) -> None:
        self._app = app
        address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        self._options = {
            "bind": [address] * count,
            "reuse_port": True,
            "pre_fork": _give_socket,
            "post_fork": _keep_socket,
            "post_worker_init": _log_as_all,
            "workers": count,
            "worker_class": "uvicorn_worker.UvicornWorker",
            "preload_app": True,
            "graceful_timeout": GRACE_SECONDS,
            "timeout": 60,
            "keepalive": 15,
            "logger_class": _Plain,
            "control_socket_disable": True,
        }
        super().__init__()

    def load_config(self) -> None:
        for key, value in self._options.items():
            self.cfg.set(key, value)

    def load(self) -> FastAPI:
        return self._app


def _give_socket(arbiter: Any, worker: Any) -> None:
    """One listening socket a process: the kernel then shares out a crowd of connections, which otherwise all go to whoever wakes first."""
    taken = {other.place for other in arbiter.WORKERS.values()}
    worker.place = min(set(range(len(arbiter.LISTENERS))) - taken, default=0)


def _keep_socket(arbiter: Any, worker: Any) -> None:
    worker.sockets = [worker.sockets[worker.place]]


def _log_as_all(worker: Any) -> None:
    """Uvicorn's lines go where all others go, out of which its worker class took them; none a request, for addresses may hold words."""
    logging.getLogger("uvicorn.error").propagate = True
    logging.getLogger("uvicorn.access").disabled = True


def serve(app: FastAPI, host: str, port: int, count: int, before_fork: Callable[[], None]) -> None:
    """Serve until a signal says stop.

    Args:
        count: processes; one needs no fork, and runs where there is none.
        before_fork: gives back what processes must not share, such as database connections.
    """
    if count == 1:
        uvicorn.run(
            app, host=host, port=port, log_config=None, access_log=False, log_level="warning", timeout_graceful_shutdown=GRACE_SECONDS
        )
        return
    before_fork()
    _Forked(app, host, port, count).run()
