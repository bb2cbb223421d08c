"""The page of one answer at /q/<entry>: what a short chat message points to, and what people pass on."""

from __future__ import annotations

from pathlib import Path

from fastapi import APIRouter
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader

from bot.dialogue import Dialogue
from bot.match import Matcher

TEMPLATES = Path(__file__).resolve().parent / "templates"


def create_router(dialogue: Dialogue, matcher: Matcher) -> APIRouter:
    """One route; everything from the bank is escaped."""
    router = APIRouter(include_in_schema=False)
    # Escaping is on for every template: the bank is ours, but an imported one may hold anything.
    template = Environment(loader=FileSystemLoader(TEMPLATES), autoescape=True, trim_blocks=True).get_template("answer.html")

    @router.get("/q/{entry_id}")
    def show(entry_id: str) -> HTMLResponse:
        """The answer with its basis, next steps and related questions; a kind 404 where there is none."""
        entry = matcher.index.entry(entry_id)
        if entry is None:
            return HTMLResponse(template.render(title="没有找到", short="", entry=None), 404)
        related = [other for id_ in entry.related if (other := matcher.index.entry(id_)) is not None]
        page = template.render(title=entry.question, short=entry.short, entry=entry, basis=dialogue.basis(entry), related=related)
        return HTMLResponse(page)

    return router
