"""登记投诉: gathers what a complaint needs, one thing at a time, repeats it and files the ticket; a procedure.

Everything but the matter and the place may be skipped; a question in between is answered by the dialogue. What is gathered
stands encrypted in the conversation until it is filed.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from bot.handoff.places import Found
from bot.handoff.tickets import Tickets
from bot.personal_data import find, mask
from bot.procedure import Hearing, State, Step
from bot.values import Action, Answer, Clarify, Decision
from knowledge.records import Entry

SAY = "登记投诉"
OFFER = "要反映具体单位的，回复“登记投诉”，我记下来转给当地工会，给您一个工单号。"
STOPPED = "好的，不登记了，刚才说的没有提交。还有别的事，直接问我就行。"
BEGIN = "好的，我帮您登记，一共几个问题，答不上来的回复“跳过”，不想登记了回复“不登记了”。\n"
SUGGEST = "谢谢您愿意提意见。我记下来转给工会，不想说了回复“不登记了”。\n"
CONFIRM = "我记下的是：\n{said}\n对的话回复“提交”；哪项不对，直接发“单位：……”这样改；不登记了回复“不登记了”。"
FILED = "已经登记，工单号 {number}，转给{office}，承诺一小时内受理。进展会发到这里，也可以随时回复“工单进度”。急事请直接拨打12351。"
SKIP_NOT = "这一项不能跳过，少了它没法转办。"
_STOP = re.compile(r"^(?:不登记了?|不投诉了|算了|取消|停|退出|结束|不用了|不要了)[吧了。]*$")
_SKIP = re.compile(r"^(?:跳过|不想说|没有|无|略|不方便|不说)[吧了。]*$|^(?:我?也?)(?:不知道|不清楚|记不清|忘了).{0,8}$")
_YES = re.compile(r"^(?:提交|确认|是|对|好|可以|行|嗯|是的|对的|好的|没错)[啊呀吧的了。]*$")
_ASKS = re.compile(r"[?？]|吗|么$|怎么|怎样|如何|咋|多少|几年|能不能|可不可以|是不是|什么")
_WANTS = re.compile(r"^我?(?:想|要|需要|可以|能)?(?:投诉|举报|反映(?:情况|问题)?|登记投诉)(?:单位|公司|老板|一下|他们)?[吗啊呀吧了。!！]*$")


_TELLS = re.compile(r"^(?:我们?|俺们?)?(?:想|要|来)?(?:投诉|举报|反映|控告)(?:一下)?.{4,}")
SHORTEST_MATTER = 6
_SUGGESTS = re.compile(r"^我?(?:想|要|有|给你们|提)+(?:一?[个点条些])?(?:意见|建议)(?:想说|要提|反映)?[吗啊呀吧了。!！]*$")


@dataclass(frozen=True, slots=True)
class Asked:
    """One thing asked: its label, the question, and whether it may be left out."""

    name: str
    label: str
    ask: str
    must: bool = False


FIELDS = (
    Asked("matter", "事情", "是什么事？用一两句话说说，比如“工地拖欠三个月工资”。", must=True),
    Asked("employer", "单位", "是哪家单位？写全称最好，不知道全称就写大家怎么叫它。"),
    Asked("place", "地方", "单位在哪个县（市、区）？比如“济南市历下区”。", must=True),
    Asked("period", "时间", "事情从什么时候开始、到什么时候？比如“今年6月到现在”。"),
    Asked("amount", "金额", "涉及多少钱？没有金额的回复“跳过”。"),
    Asked("people", "人数", "一共涉及多少人？只有您自己就写1。"),
    Asked("contact", "联系方式", "留一个能找到您的电话，只有受理的工作人员看得到；不留也可以，进展会发到这里。"),
)
_SUGGESTED = {"matter": "您的意见或建议是什么？", "place": "说的是哪个县（市、区）的事？全省的就回复“全省”。"}
_BY_NAME = {field.name: field for field in FIELDS}
_BY_LABEL = {field.label: field for field in FIELDS}


class Intake:
    """The procedure."""

    name = "complaint"

    def __init__(self, tickets: Tickets) -> None:
        self._tickets = tickets

    def wants(self, hearing: Hearing) -> Step | None:
        """我要投诉, 我有个建议 and the like."""
        bare = re.sub(r"[\s,，]", "", hearing.message.text.strip())
        if _SUGGESTS.match(bare):
            return self._next({"kind": "意见建议类"} | dict.fromkeys(("employer", "period", "amount", "people"), ""), "", SUGGEST)
        if _WANTS.match(bare):
            before = hearing.said()[-1:] if bare == SAY else ()
            return self._next({"matter": before[0]} if before and len(before[0]) >= SHORTEST_MATTER else {}, "", BEGIN)
        told = _TELLS.match(bare)
        if told and not _ASKS.search(bare) and not self._is_offered(hearing.question()):
            return self._next(self._with_place({"matter": hearing.message.text.strip()[:300]}, (hearing.message.text,)), "", BEGIN)
        return None

    @staticmethod
    def _is_offered(decision: Decision) -> bool:
        """Whether the answer is a complaint's, which offers the intake itself."""
        return isinstance(decision, Answer) and decision.candidate.entry.kind == "complaint"

    def offer(self, entry: Entry) -> tuple[str, Action] | None:
        """Below a complaint's answer."""
        return (OFFER, Action("登记投诉，转给当地工会", SAY)) if entry.kind == "complaint" else None

    def suggest(self, clean: str, near: Sequence[Entry]) -> None:
        """Nothing is suggested."""

    def begin(self, entry: Entry, hearing: Hearing) -> Step:
        """The matter is what the worker said before; a place named in it is taken too."""
        said = hearing.said()
        known = {"matter": said[-1] if said else entry.question}
        return self._next(self._with_place(known, (hearing.message.region, *reversed(said))), entry.id, BEGIN)

    def _with_place(self, known: dict[str, str], texts: Sequence[str]) -> dict[str, str]:
        """What is known, with the first place that the texts name for certain."""
        for text in texts:
            found = self._tickets.routing.places.find(text)
            if found.places:
                return known | {"place": self._names(found), "codes": self._codes(found)}
        return known

    def go_on(self, state: State, hearing: Hearing) -> Step | None:
        """Reads the answer to what was asked; None where the message is a question of its own."""
        known = {str(name): str(value) for name, value in dict(state["known"]).items()}  # type: ignore[call-overload]
        entry_id, asked = str(state["entry"]), str(state["asked"])
        text = hearing.message.text.strip()
        if _STOP.match(text):
            return Step(STOPPED, None)
        label, _, value = text.partition("：") if "：" in text else text.partition(":")
        if label.strip() in _BY_LABEL and value.strip():
            return self._take(known, entry_id, _BY_LABEL[label.strip()], value.strip())
        # What asks something is a question in between; only the matter itself may well be put as one.
        if _ASKS.search(text) and not _SKIP.match(text):
            decision = hearing.question()
            if isinstance(decision, Answer) or (asked != "matter" and isinstance(decision, Clarify)):
                return None
            if asked not in ("matter", "confirm"):  # handing over would end the intake for a question nobody can answer yet
                return self._ask(known, entry_id, _BY_NAME[asked], "这个问题等受理的工作人员来答您。我们接着登记：")
        if asked == "confirm":
            if _YES.match(text):
                return self._file(known, entry_id, hearing)
            return self._confirm(known, entry_id, "没听明白。")
        field = _BY_NAME[asked]
        if _SKIP.match(text):
            if field.must:
                return self._ask(known, entry_id, field, SKIP_NOT)
            return self._next(known | {field.name: ""}, entry_id)
        return self._take(known, entry_id, field, text)

    def remind(self, state: State) -> str:
        """The open question again."""
        asked = str(state["asked"])
        ask = "回复“提交”就登记。" if asked == "confirm" else _BY_NAME[asked].ask
        return f"刚才的投诉还没登记完。{ask}（不登记了回复“不登记了”）"

    def _take(self, known: dict[str, str], entry_id: str, field: Asked, value: str) -> Step:
        value = value[:300]
        if field.name == "place":
            place = self._place(known, value)
            if isinstance(place, str):
                return self._ask(known, entry_id, field, place)
            return self._next(known | place, entry_id)
        if field.name == "people":
            number = re.search(r"\d{1,5}", value) or None
            spoken = {"我自己": "1", "一个": "1", "一": "1", "两": "2", "三": "3", "四": "4", "五": "5", "十几": "10", "几十": "30"}
            people = number[0] if number else next((digits for word, digits in spoken.items() if word in value), "")
            if not people:
                return self._ask(known, entry_id, field, "没看出是几个人，写个数就行，大概也可以。")
            return self._next(known | {"people": people}, entry_id)
        if field.name == "contact" and not find(value):
            return self._ask(known, entry_id, field, "这不像一个电话号码，麻烦再看一下；不留就回复“跳过”。")
        return self._next(known | {field.name: value}, entry_id)

    def _place(self, known: dict[str, str], value: str) -> dict[str, str] | str:
        """What is kept of a place, or why it must be asked again."""
        choices = [code for code in known.get("choices", "").split(",") if code]
        places = self._tickets.routing.places
        if choices and re.fullmatch(r"[1-9]\d?", value) and int(value) <= len(choices):
            found = Found((places.by_code[choices[int(value) - 1]],))
        else:
            found = places.find(value)
            if choices and len(found.places) == 1 and found.places[0].level == "city":
                inside = [places.by_code[code] for code in choices if places.by_code[code].parent == found.places[0].code]
                found = Found(tuple(inside)) if len(inside) == 1 else found
        if found.places:
            return {"place": self._names(found), "codes": self._codes(found), "choices": ""}
        if found.choices:
            known["choices"] = ",".join(place.code for place in found.choices)
            names = "\n".join(f"{number}. {places.full_name(place)}" for number, place in enumerate(found.choices, 1))
            return f"叫这个名字的地方不止一个，是哪一个？回复序号：\n{names}\n"
        if re.search(r"山东|省里|全省", value):
            return {"place": "山东省", "codes": places.top.code, "choices": ""}
        return "没找到这个地方，请写到县（市、区），只知道市名也行。"

    def _names(self, found: Found) -> str:
        return "、".join(self._tickets.routing.places.full_name(place) for place in found.places)

    @staticmethod
    def _codes(found: Found) -> str:
        return ",".join(place.code for place in found.places)

    def _next(self, known: dict[str, str], entry_id: str, before: str = "") -> Step:
        field = next((field for field in FIELDS if field.name not in known), None)
        return self._confirm(known, entry_id) if field is None else self._ask(known, entry_id, field, before)

    @staticmethod
    def _ask(known: dict[str, str], entry_id: str, field: Asked, before: str = "") -> Step:
        actions = () if field.must else (Action("跳过", "跳过"),)
        state: State = {"known": known, "entry": entry_id, "asked": field.name}
        form = {"complaint": True, "field": field.name, "label": field.label, "kind": "text"}
        ask = "" if field.name == "place" and known.get("choices") and before.endswith("\n") else field.ask
        if known.get("kind") and field.name in _SUGGESTED:
            ask = _SUGGESTED[field.name]
        return Step(f"{before}{ask}".strip(), state, actions=actions, form=form)

    @staticmethod
    def _confirm(known: dict[str, str], entry_id: str, before: str = "") -> Step:
        said = "\n".join(f"{field.label}：{mask(known[field.name])}" for field in FIELDS if known.get(field.name))
        state: State = {"known": known, "entry": entry_id, "asked": "confirm"}
        form = {"complaint": True, "field": "confirm", "label": "", "kind": "text"}
        return Step(before + CONFIRM.format(said=said), state, actions=(Action("提交", "提交"), Action("不登记了", "不登记了")), form=form)

    def _file(self, known: dict[str, str], entry_id: str, hearing: Hearing) -> Step:
        details = {field.label: known[field.name] for field in FIELDS if known.get(field.name)}
        codes = tuple(code for code in known.get("codes", "").split(",") if code)
        ticket = self._tickets.open(
            hearing.session,
            hearing.message,
            "complaint",
            hearing.now,
            entry=hearing.entry(entry_id) if entry_id else None,
            details=details,
            places=codes,
            people=int(known.get("people") or 1),
            kind=known.get("kind", ""),
        )
        office = self._tickets.routing.places.by_code[self._tickets.terminal_of(hearing.session, ticket.number)]
        text = FILED.format(number=ticket.number, office=f"{self._tickets.routing.places.full_name(office)}总工会服务终端")
        return Step(text, None, "handoff", ticket=ticket)
