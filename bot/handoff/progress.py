"""工单进度 and 满意: what a worker asks and says about tickets that are there already; a procedure of one step.

A number opens nothing by itself: only the conversation that a ticket came from is told about it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from sqlalchemy import select

from bot.handoff.calendar import BEIJING
from bot.handoff.tables import RATING, WAITING, WORKING, TicketRow
from bot.handoff.tickets import RATINGS, Tickets
from bot.procedure import Hearing, State, Step
from bot.values import Action
from knowledge.records import Entry

_ASKS = re.compile(
    r"NX\d{8}-\d{6}|^(?:我的?)?(?:工单|投诉|登记)(?:的?(?:进度|状态|结果|情况)|(?:到哪|办到哪|处理)(?:了|一步了|得?怎么样了?)|办好了?[吗没]?)"
    r"|^(?:查(?:一下|下)?)?(?:我的)?工单(?:进度)?[吗?？。]*$|^进度[?？。]*$",
    re.IGNORECASE,
)
_STATES = {WAITING: "正在等工作人员受理", WORKING: "工作人员正在处理", RATING: "已经办理，等您评价"}
_RATE = re.compile(rf"^(?:我?很?)?({'|'.join(RATINGS)})[。!！]*$")
NONE = "这个会话里没有查到工单。工单只能在登记时的会话里查；换了手机或者清了记录，请回复“转人工”核实身份后查询。"
THANKS = {"满意": "谢谢您的认可。", "基本满意": "谢谢，我们继续改进。", "不满意": "对不起，没能让您满意，您的评价会转给负责人。"}


class Progress:
    """The procedure."""

    name = "progress"

    def __init__(self, tickets: Tickets) -> None:
        self._tickets = tickets

    def wants(self, hearing: Hearing) -> Step | None:
        """A rating that was asked for, or the state of this conversation's tickets."""
        text = hearing.message.text.strip()
        rated = _RATE.match(text)
        if rated:
            row = self._tickets.awaiting_rating(hearing.session, hearing.conversation.id)
            if row is None:  # said after an answer: thanked for, and no ticket is opened for it
                sorry = (Action("转人工", "转人工"),) if rated[1] == "不满意" else ()
                return Step(f"{THANKS[rated[1]]}还有别的事，换个说法再问我，或者回复“转人工”。", None, "answer", actions=sorry)
            self._tickets.rate(hearing.session, row, rated[1], hearing.now)
            more = (Action("转人工", "转人工"),) if rated[1] == "不满意" else ()
            return Step(f"{THANKS[rated[1]]}工单 {row.number} 已结案。还有别的事，直接问我。", None, "answer", actions=more)
        if not _ASKS.search(text):
            return None
        own = select(TicketRow).where(TicketRow.conversation_id == hearing.conversation.id).order_by(TicketRow.id.desc()).limit(5)
        rows = list(hearing.session.scalars(own))
        number = re.search(r"NX\d{8}-\d{6}", text.upper())
        if number:
            rows = [row for row in rows if row.number == number[0]]
        if not rows:
            return Step(NONE, None, "answer", actions=(Action("转人工", "转人工"),))
        return Step("\n".join(self._line(row) for row in rows), None, "answer")

    def _line(self, row: TicketRow) -> str:
        office = self._tickets.routing.places.by_code.get(row.terminal)
        where = f"，{self._tickets.routing.places.full_name(office)}" if office else ""
        return f"工单 {row.number}（{row.opened_at + BEIJING:%m月%d日 %H:%M}登记{where}）：{_STATES.get(row.state, row.state)}。"

    def offer(self, entry: Entry) -> None:
        """Nothing is offered."""

    def suggest(self, clean: str, near: Sequence[Entry]) -> None:
        """Nothing is suggested."""

    def begin(self, entry: Entry, hearing: Hearing) -> Step:
        """Never: nothing is offered."""
        raise NotImplementedError

    def go_on(self, state: State, hearing: Hearing) -> Step | None:
        """Never: every step is the last."""
        return None

    def remind(self, state: State) -> str:
        """Nothing stays open."""
        return ""
