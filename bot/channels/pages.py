"""The pages: the workers' chat, the agents' lookup, and the embeddable lookup shown embedded."""

from __future__ import annotations

from pathlib import Path

from fastapi import APIRouter
from fastapi.responses import FileResponse
from fastapi.staticfiles import StaticFiles

STATIC = Path(__file__).resolve().parent / "static"
PAGES = {"/": "chat.html", "/lookup": "agent.html", "/embed": "embed.html"}


def create_router() -> APIRouter:
    """One route a page."""
    router = APIRouter(include_in_schema=False)
    for path, name in PAGES.items():
        router.add_api_route(path, _page(name), methods=["GET"])
    return router


def _page(name: str):  # type: ignore[no-untyped-def]
    def show() -> FileResponse:
        return FileResponse(STATIC / name, headers={"Cache-Control": "no-cache"})

    return show


def static_files() -> StaticFiles:
    """Scripts and styles of the pages."""
    return StaticFiles(directory=STATIC)
