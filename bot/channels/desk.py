"""The desk over HTTP: sign-in, queue, tickets, live updates, figures; /desk/api/* and its pages.

Turns requests into steps and errors into statuses; decides nothing. Every change carries the session's token (CSRF); what
an agent may not see is not there (404).

Annotations are not postponed in this file: FastAPI reads the dependencies, which are local to the router, off them.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from datetime import date, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, HTTPException, Query, Request, Response
from fastapi.responses import FileResponse, RedirectResponse, StreamingResponse

from bot.channels.desk_bodies import (
    AgentBody,
    AgentChange,
    AnswerBody,
    Done,
    DualBody,
    DutyBody,
    Number,
    PhoneBody,
    RatingBody,
    ReturnBody,
    RevealBody,
    SayBody,
    SignInBody,
    TransferBody,
)
from bot.desk.accounts import Accounts, Signed, same
from bot.desk.export import tables, to_csv, to_xlsx
from bot.desk.statistics import Statistics
from bot.desk.work import Desk, PhoneCall, record_rating
from bot.errors import NotThere, SignInRefused, StoreConflict, TicketConflict
from bot.handoff.calendar import BEIJING

STATIC = Path(__file__).resolve().parent / "static"
COOKIE = "nuanxin_desk"
TICK, BEAT, LONGEST_STREAM = 0.5, 15.0, 60.0
"""Seconds: how often the history is looked at, between signs of life, and until a page opens its stream anew."""
SUPERVISORS = ("supervisor", "admin")


class Live:
    """The newest line of any history, looked at for all streams of this process together."""

    def __init__(self, newest: Callable[[], int]) -> None:
        self._newest = newest
        self._at = 0.0
        self._value = 0
        self._lock: asyncio.Lock | None = None

    async def value(self) -> int:
        self._lock = self._lock or asyncio.Lock()
        async with self._lock:
            if time.monotonic() - self._at >= TICK:
                self._value = await asyncio.to_thread(self._newest)
                self._at = time.monotonic()
        return self._value


def create_router(
    accounts: Accounts, desk: Desk, statistics: Statistics, now: Callable[[], datetime], secure: bool = False, tick: float = TICK
) -> APIRouter:
    """All routes of the desk.

    Args:
        secure: the pages are reached over https, so the cookie goes over nothing else.
    """
    router = APIRouter()
    api = APIRouter(prefix="/desk/api", tags=["desk"])
    live = Live(desk.last_event)
    tickets = desk.tickets

    def signed_in(request: Request) -> Signed:
        signed = accounts.who(request.cookies.get(COOKIE, ""))
        if signed is None:
            raise HTTPException(401, "请先登录。")
        if request.method not in ("GET", "HEAD") and not same(request.headers.get("x-csrf-token", ""), signed.csrf):
            raise HTTPException(403, "页面已过期，请刷新后再试。")
        return signed

    def supervisor(signed: Annotated[Signed, Depends(signed_in)]) -> Signed:
        if signed.agent.role not in SUPERVISORS:
            raise HTTPException(404, "没有这个页面。")
        return signed

    def admin(signed: Annotated[Signed, Depends(signed_in)]) -> Signed:
        if signed.agent.role != "admin":
            raise HTTPException(404, "没有这个页面。")
        return signed

    def figures_reader(signed: Annotated[Signed, Depends(signed_in)]) -> Signed:
        if signed.agent.role not in (*SUPERVISORS, "editor"):
            raise HTTPException(404, "没有这个页面。")
        return signed

    Who = Annotated[Signed, Depends(signed_in)]

    def act(signed: Signed, number: str, step: Callable[..., None], *values: Any, own: bool = True, waiting: bool = False) -> Done:
        def take(session: Any, row: Any, at: datetime) -> None:
            step(session, row, signed.agent, *values, at)

        try:
            desk.act(signed.agent, number, take, own, waiting)
        except NotThere as error:
            raise HTTPException(404, str(error)) from None
        except TicketConflict as error:
            raise HTTPException(409, str(error)) from None
        return Done()

    @api.post("/session")
    def sign_in(body: SignInBody, response: Response) -> dict[str, Any]:
        """Sign in; the cookie is set, the token for changes is in the reply."""
        try:
            signed = accounts.sign_in(body.name, body.password)
        except SignInRefused as error:
            raise HTTPException(401, str(error)) from None
        response.set_cookie(COOKIE, signed.token, httponly=True, samesite="strict", secure=secure, path="/")
        return _me(signed)

    @api.delete("/session")
    def sign_out(request: Request, response: Response, signed: Who) -> Done:
        """Sign out."""
        accounts.sign_out(request.cookies.get(COOKIE, ""))
        response.delete_cookie(COOKIE, path="/")
        return Done()

    def _me(signed: Signed) -> dict[str, Any]:
        agent = signed.agent
        office = desk.offices(agent.region)
        return {
            "name": agent.name,
            "shown": agent.shown,
            "role": agent.role,
            "region": agent.region,
            "office": office[0]["name"] if office else "",
            "on_duty": agent.on_duty,
            "csrf": signed.csrf,
        }

    @api.get("/me")
    def me(signed: Who) -> dict[str, Any]:
        """Who is signed in, and the token that changes carry."""
        return _me(signed)

    @api.post("/me/duty")
    def duty(body: DutyBody, signed: Who) -> Done:
        """On duty or not: tickets are routed to who is."""
        accounts.change(signed.agent.id, on_duty=body.on_duty)
        return Done()

    @api.get("/queue")
    def queue(
        signed: Who,
        view: Literal["waiting", "mine", "working", "late", "done", "all"] = "waiting",
        q: Annotated[str, Query(max_length=100)] = "",
        page: Annotated[int, Query(ge=0, le=10_000)] = 0,
    ) -> dict[str, Any]:
        """A page of tickets and how many each view holds."""
        return desk.queue(signed.agent, view, q, page)

    @api.get("/tickets/{number}")
    def ticket(number: Number, signed: Who) -> dict[str, Any]:
        """One ticket with everything said in it."""
        try:
            return desk.ticket(signed.agent, number)
        except NotThere as error:
            raise HTTPException(404, str(error)) from None

    @api.post("/tickets")
    def phone(body: PhoneBody, signed: Who) -> dict[str, str]:
        """A ticket for somebody on the phone."""
        if signed.agent.role == "editor":
            raise HTTPException(404, "没有这个页面。")
        labels = {
            "matter": "事情",
            "employer": "单位",
            "place": "地方",
            "period": "时间",
            "amount": "金额",
            "people": "人数",
            "contact": "联系方式",
        }
        details = {label: getattr(body, name) for name, label in labels.items() if getattr(body, name)}
        return {"number": desk.take_call(signed.agent, PhoneCall(details, body.take))}

    @api.post("/tickets/{number}/claim")
    def claim(number: Number, signed: Who) -> Done:
        """Take a waiting ticket; 409 where somebody was first."""
        return act(signed, number, tickets.claim, own=False)

    @api.post("/tickets/{number}/join")
    def join(number: Number, signed: Who) -> Done:
        """Take the second part of a ticket that went to two offices."""
        return act(signed, number, tickets.join, own=False)

    @api.post("/tickets/{number}/say")
    def say(number: Number, body: SayBody, signed: Who) -> Done:
        """Write to the worker."""
        return act(signed, number, tickets.say, body.text)

    @api.post("/tickets/{number}/note")
    def note(number: Number, body: SayBody, signed: Who) -> Done:
        """Write to other agents only."""
        return act(signed, number, tickets.note, body.text, own=False)

    @api.post("/tickets/{number}/transfer")
    def transfer(number: Number, body: TransferBody, signed: Who) -> Done:
        """转办."""
        return act(signed, number, tickets.transfer, _office(body.terminal), body.group, body.why, waiting=True)

    @api.post("/tickets/{number}/return")
    def send_back(number: Number, body: ReturnBody, signed: Who) -> Done:
        """退回."""
        return act(signed, number, tickets.send_back, body.why, waiting=True)

    @api.post("/tickets/{number}/dual")
    def dual(number: Number, body: DualBody, signed: Who) -> Done:
        """双派."""
        return act(signed, number, tickets.add_office, _office(body.terminal))

    @api.post("/tickets/{number}/answer")
    def answer(number: Number, body: AnswerBody, signed: Who) -> Done:
        """Done; the worker is asked how satisfied they are."""
        return act(signed, number, tickets.answer, body.result)

    @api.post("/tickets/{number}/rating")
    def rating(number: Number, body: RatingBody, signed: Who) -> Done:
        """回访 by phone: what the worker said."""

        def step(session: Any, row: Any, agent: Any, word: str, at: datetime) -> None:
            record_rating(tickets, session, row, word, at)

        return act(signed, number, step, body.rating)

    @api.post("/tickets/{number}/reveal")
    def reveal(number: Number, body: RevealBody, signed: Who) -> dict[str, Any]:
        """Personal data as given; the history records who looked."""
        try:
            return desk.reveal(signed.agent, number, body.turn)
        except NotThere as error:
            raise HTTPException(404, str(error)) from None

    def _office(code: str) -> str:
        try:
            return desk.office(code)
        except NotThere as error:
            raise HTTPException(422, str(error)) from None

    @api.get("/offices")
    def offices(signed: Who, q: Annotated[str, Query(max_length=32)] = "") -> list[dict[str, Any]]:
        """Offices by name or code."""
        return desk.offices(q.strip())

    @api.get("/colleagues")
    def colleagues(signed: Who) -> list[dict[str, Any]]:
        """Who is there."""
        return desk.colleagues(signed.agent)

    @api.get("/live", response_class=StreamingResponse)
    async def updates(request: Request) -> StreamingResponse:
        """Server-sent events: the number of the newest line of any history, whenever it grows."""
        token = request.cookies.get(COOKIE, "")
        signed = await asyncio.to_thread(accounts.who, token)
        if signed is None:
            raise HTTPException(401, "请先登录。")

        async def stream() -> AsyncIterator[str]:
            yield "retry: 1000\n\n"
            began = beat = time.monotonic()
            last = -1
            while time.monotonic() - began < LONGEST_STREAM and not await request.is_disconnected():
                newest = await live.value()
                if newest != last:
                    last = newest
                    yield f"data: {newest}\n\n"
                if time.monotonic() - beat > BEAT:
                    beat = time.monotonic()
                    if await asyncio.to_thread(accounts.who, token) is None:
                        return
                    yield ": here\n\n"
                await asyncio.sleep(tick)

        return StreamingResponse(stream(), media_type="text/event-stream", headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"})

    def span(first: date | None, last: date | None) -> tuple[date, date]:
        today = (now() + BEIJING).date()
        return first or (last or today) - timedelta(days=29), last or today

    def figures(signed: Signed, first: date | None, last: date | None) -> dict[str, Any]:
        try:
            return statistics.figures(signed.agent, *span(first, last))
        except ValueError as error:
            raise HTTPException(422, str(error)) from None

    @api.get("/stats")
    def stats(signed: Annotated[Signed, Depends(figures_reader)], first: date | None = None, last: date | None = None) -> dict[str, Any]:
        """The figures between two days."""
        return figures(signed, first, last)

    @api.get("/stats.csv", response_class=Response)
    def stats_csv(signed: Annotated[Signed, Depends(figures_reader)], first: date | None = None, last: date | None = None) -> Response:
        """The figures as CSV."""
        return _file(to_csv(tables(figures(signed, first, last))), "text/csv; charset=utf-8", "nuanxin.csv")

    @api.get("/stats.xlsx", response_class=Response)
    def stats_xlsx(signed: Annotated[Signed, Depends(figures_reader)], first: date | None = None, last: date | None = None) -> Response:
        """The figures as an Excel file."""
        kind = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
        return _file(to_xlsx(tables(figures(signed, first, last))), kind, "nuanxin.xlsx")

    @api.get("/undelivered")
    def undelivered(signed: Annotated[Signed, Depends(supervisor)]) -> dict[str, Any]:
        """What did not arrive."""
        return desk.undelivered(signed.agent)

    @api.get("/agents")
    def agents(signed: Annotated[Signed, Depends(admin)]) -> list[dict[str, Any]]:
        """Accounts of the admin's region."""
        names = ("id", "name", "shown", "role", "region", "active")
        return [{name: getattr(agent, name) for name in names} for agent in accounts.all(signed.agent.region)]

    @api.post("/agents")
    def add_agent(body: AgentBody, signed: Annotated[Signed, Depends(admin)]) -> Done:
        """A new account in the admin's region."""
        if body.region not in {office["code"] for office in desk.offices_below(signed.agent.region)}:
            raise HTTPException(422, "只能添加本地区的账号。")
        try:
            accounts.add(**body.model_dump())
        except ValueError as error:
            raise HTTPException(422, str(error)) from None
        except StoreConflict:
            raise HTTPException(409, "这个登录名已经有人用了。") from None
        return Done()

    @api.post("/agents/{agent_id}")
    def change_agent(agent_id: int, body: AgentChange, signed: Annotated[Signed, Depends(admin)]) -> Done:
        """Close or open an account, or give it a new password."""
        if agent_id not in {agent.id for agent in accounts.all(signed.agent.region)}:
            raise HTTPException(404, "没有这个账号。")
        try:
            accounts.change(agent_id, **body.model_dump())
        except ValueError as error:
            raise HTTPException(422, str(error)) from None
        return Done()

    def page(name: str, roles: tuple[str, ...] | None, request: Request) -> Response:
        signed = accounts.who(request.cookies.get(COOKIE, ""))
        if signed is None:
            return RedirectResponse("/desk/sign-in", 303)
        if roles is not None and signed.agent.role not in roles:
            return RedirectResponse("/agent", 303)
        return FileResponse(STATIC / name, headers={"Cache-Control": "no-store"})

    @router.get("/agent", include_in_schema=False)
    def agent_page(request: Request) -> Response:
        """The desk for who is signed in, the lookup alone for who is not."""
        signed = accounts.who(request.cookies.get(COOKIE, ""))
        return FileResponse(STATIC / ("desk.html" if signed else "agent.html"), headers={"Cache-Control": "no-store"})

    @router.get("/desk/sign-in", include_in_schema=False)
    def sign_in_page() -> FileResponse:
        """Name and password."""
        return FileResponse(STATIC / "sign-in.html", headers={"Cache-Control": "no-store"})

    router.add_api_route("/desk/stats", partial(page, "stats.html", (*SUPERVISORS, "editor")), include_in_schema=False)
    router.add_api_route("/desk/accounts", partial(page, "accounts.html", ("admin",)), include_in_schema=False)
    router.include_router(api)
    return router


def _file(content: bytes, kind: str, name: str) -> Response:
    return Response(
        content, media_type=kind, headers={"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    )
