"""算一算: asks for what a calculation must know, one by one, and shows the result with its steps; a procedure.

What is vague is repeated and confirmed, what cannot be is asked again, a question in between is answered by
the dialogue. Knows no arithmetic: that is bot.calculate.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

from bot.calculate.answers import find_facts, read_field
from bot.calculate.months import say_day, say_money
from bot.calculate.registry import CALCULATIONS, NEEDS_TODAY
from bot.calculate.values import Calculation, Doubt, Field, Result, Value
from bot.procedure import Hearing, State, Step
from bot.values import Action, Answer
from knowledge.records import Entry

POINTERS = Path(__file__).resolve().parent.parent / "knowledge" / "data" / "calculations.yaml"
SAY = "算一算"
OFFER = "想知道大概是多少、还来不来得及？回复“算一算”，我一项一项问您，随时可以停。"
STOPPED = "好的，不算了。还有别的事，直接问我就行。"
NEEDED = "这一项少了就算不了（不想算了回复“不算了”）。"
UNSURE = "这一项我没听明白。"
ESTIMATE = "这是按您说的情况估算的，供您参考，不能当作裁决依据；以证据和当地标准为准。"
LOCAL = timedelta(hours=8)
"""Workers and their dates are on Beijing time; the store is on UTC."""
SUGGEST = "想先算算大概是多少，回复“算一算”，我一项一项问您。"
_HOW_MUCH = re.compile(
    "多少|几[天个月年倍]|多久|多长|(?:怎么|怎样|如何|咋|应该).{0,3}[算赔补]|标准|赔偿|补偿|待遇|多大|期限|时效|什么时候|赔付|2n|n\\+1"
)
_NO_SUM = re.compile(
    "护理费|营养费|误工|医[疗药]费.{0,8}报|哪些情[形况]|什么情况|哪些条件|多久出|多长时间能拿|什么材料|依据有哪些|几级|几个等级|年龄限制"
)
_A_SUM = re.compile("(?:赔|补偿|补助).{0,8}(?:多少|怎么|如何|几|标准)|多少.{0,6}(?:赔|补偿|钱)|(?:怎么|如何|怎样).{0,3}(?:赔|补)")
"""Questions about care, costs, papers or conditions are for no sum of ours, unless a sum is asked for as well."""
_NOT_WORK = re.compile("车祸|交通事故|意外伤害|非工死亡|非因工")
_AT_WORK = re.compile("工伤|上班|下班|干活|工地|工作|送货")
_STOP = re.compile(r"^(?:不算了?|算了|取消|停|不想算了?|退出|结束)[吧了。]*$")
_YES = re.compile(r"^(?:是|对|好|可以|行|嗯|是的|对的|好的|没错)[啊呀吧的了。]*$")


@lru_cache(maxsize=1)
def pointers() -> Mapping[str, str]:
    """Entry id to the name of the calculation that fits it."""
    return {entry: name for name in CALCULATIONS for entry in _read_pointers().get(name, ())}


@lru_cache(maxsize=1)
def words() -> tuple[tuple[str, re.Pattern[str]], ...]:
    """Names of calculations and the words that point to them, in the order in which they are tried."""
    return tuple((name, re.compile(pattern)) for name, pattern in _read_pointers()["words"].items())


@lru_cache(maxsize=1)
def _read_pointers() -> Mapping[str, Any]:
    found: Mapping[str, Any] = yaml.safe_load(POINTERS.read_text(encoding="utf-8"))
    unknown = (set(found) - {"words"} - set(CALCULATIONS)) | (set(found["words"]) - set(CALCULATIONS))
    if unknown:
        raise ValueError(f"calculations.yaml names no calculation of ours: {', '.join(sorted(unknown))}")
    return found


def keep(value: Value) -> str | int | bool:
    """A value for JSON."""
    return value.isoformat() if isinstance(value, date) else str(value) if isinstance(value, Decimal) else value


def restore(field: Field, kept: object) -> Value:
    """The value again."""
    if field.kind == "date":
        return date.fromisoformat(str(kept))
    if field.kind == "money":
        return Decimal(str(kept))
    if field.kind == "choice":
        return str(kept)
    return bool(kept) if field.kind == "yes" else int(str(kept))


def work(calculation: Calculation, known: Mapping[str, Value], today: date) -> Result | Doubt:
    """Run a calculation on what is known."""
    more = {"today": today} if calculation.name in NEEDS_TODAY else {}
    return calculation.work(**known, **more)


def next_field(calculation: Calculation, known: Mapping[str, Value], skipped: frozenset[str]) -> Field | None:
    """The first field that is needed and neither known nor skipped."""
    return next((f for f in calculation.fields if f.name not in known and f.name not in skipped and f.needed(known)), None)


def say_value(field: Field, value: Value) -> str:
    """A value as a worker would read it."""
    if isinstance(value, bool):
        return "是" if value else "否"
    if isinstance(value, date):
        return say_day(value)
    if isinstance(value, Decimal):
        return say_money(value)
    return dict(field.choices).get(str(value), f"{value}{field.unit}")


def say_result(calculation: Calculation, known: Mapping[str, Value], result: Result) -> str:
    """The result with what was understood, the steps with their articles, and what it rests on."""
    understood = "；".join(f"{f.label}：{say_value(f, known[f.name])}" for f in calculation.fields if f.name in known)
    lines = [result.headline, "", f"我理解的是：{understood}", "", "怎么算的："]
    lines += [
        f"{number}. {step.text}（《{step.basis.law}》{step.basis.article}{step.basis.detail}）"
        for number, step in enumerate(result.steps, 1)
    ]
    for title, items in (("还不知道的", result.unknown), ("前提", result.assumptions), ("会改变结果的", result.changes)):
        if items:
            lines += ["", f"{title}：{'；'.join(items)}"]
    lines += ["", *([result.human] if result.human else []), ESTIMATE]
    return "\n".join(lines)


class Estimate:
    """The procedure."""

    name = "calculation"

    def __init__(self, points: Callable[[], Mapping[str, str]] = pointers) -> None:
        self._points = points

    def wants(self, hearing: Hearing) -> Step | None:
        """Nothing begins by words alone: an entry leads here."""
        return None

    def offer(self, entry: Entry) -> tuple[str, Action] | None:
        """Below an entry that a calculation fits."""
        name = self._points().get(entry.id)
        return (OFFER, Action(f"{SAY}：{CALCULATIONS[name].title}", SAY)) if name in CALCULATIONS else None

    def suggest(self, clean: str, near: Sequence[Entry]) -> tuple[str, Action, str] | None:
        """For a question that asks for a sum and was not answered: by its words, else by what the nearest entries point to."""
        if _NO_SUM.search(clean) and not _A_SUM.search(clean):
            return None
        if not _HOW_MUCH.search(clean) or (_NOT_WORK.search(clean) and not _AT_WORK.search(clean)):
            return None
        pointed = [name for entry in near if (name := self._points().get(entry.id)) is not None]
        name = next((name for name, pattern in words() if pattern.search(clean)), pointed[0] if pointed else "")
        entry_id = next((entry for entry, its in self._points().items() if its == name), "")
        return (SUGGEST, Action(f"{SAY}：{CALCULATIONS[name].title}", SAY), entry_id) if entry_id else None

    def begin(self, entry: Entry, hearing: Hearing) -> Step:
        """Takes what was said already, and asks for the first thing missing."""
        calculation = CALCULATIONS[self._points()[entry.id]]
        today = (hearing.now + LOCAL).date()
        known: dict[str, Value] = {}
        for text in hearing.said():
            known |= find_facts(calculation.fields, text, today)
        return self._ask(calculation, known, frozenset(), today, self._heard(calculation, known))

    def go_on(self, state: State, hearing: Hearing) -> Step | None:
        """Reads the answer; None where the message is a question of its own."""
        calculation = CALCULATIONS[str(state["name"])]
        fields = {field.name: field for field in calculation.fields}
        known = {name: restore(fields[name], value) for name, value in dict(state["known"]).items()}  # type: ignore[call-overload]
        skipped = frozenset(map(str, state["skipped"]))  # type: ignore[call-overload]
        field = fields[str(state["asked"])]
        text, today = hearing.message.text, (hearing.now + LOCAL).date()
        bare = text.strip(" 。，！")
        if _STOP.match(bare):
            return Step(STOPPED, None)
        if state.get("offered") is not None and _YES.match(bare):
            return self._ask(calculation, known | {field.name: restore(field, state["offered"])}, skipped, today, "")
        answered = read_field(field, text, today)
        if answered is None:
            if isinstance(hearing.question(), Answer):
                return None
            return self._again(calculation, known, skipped, field, f"{UNSURE}{self._question(field)}")
        if answered.unknown:
            if not field.optional:
                return self._again(
                    calculation, known, skipped, field, f"这一项少了就算不了。{self._question(field)}\n不想算了回复“不算了”。"
                )
            return self._ask(calculation, known, skipped | {field.name}, today, "")
        if answered.vague:
            return self._again(calculation, known, skipped, field, answered.vague, answered.value)
        assert answered.value is not None
        return self._ask(calculation, known | {field.name: answered.value}, skipped, today, "")

    def remind(self, state: State) -> str:
        """The open question again."""
        calculation = CALCULATIONS[str(state["name"])]
        field = next(field for field in calculation.fields if field.name == state["asked"])
        return f"刚才的“{calculation.title}”还没算完。{self._question(field)}（不算了回复“不算了”）"

    def _ask(self, calculation: Calculation, known: dict[str, Value], skipped: frozenset[str], today: date, before: str) -> Step:
        field = next_field(calculation, known, skipped)
        if field is not None:
            return self._again(calculation, known, skipped, field, before + self._question(field))
        found = work(calculation, known, today)
        if isinstance(found, Doubt):
            wrong = next(f for f in calculation.fields if f.name == found.field)
            left = {name: value for name, value in known.items() if name != found.field}
            return self._again(calculation, left, skipped, wrong, found.text)
        basis = tuple(dict.fromkeys(step.basis for step in found.steps))
        human = (Action("转人工", "转人工"),) if found.human else ()
        return Step(say_result(calculation, known, found), None, "answer", actions=human, basis=basis)

    @staticmethod
    def _again(
        calculation: Calculation, known: Mapping[str, Value], skipped: frozenset[str], field: Field, text: str, offered: Value | None = None
    ) -> Step:
        state: State = {
            "name": calculation.name,
            "known": {name: keep(value) for name, value in known.items()},
            "skipped": sorted(skipped),
            "asked": field.name,
            "offered": None if offered is None else keep(offered),
        }
        choices = field.choices or ((("yes", "是"), ("no", "不是")) if field.kind == "yes" or offered is not None else ())
        actions = [Action(label, str(place) if field.choices else label) for place, (_, label) in enumerate(choices, 1)]
        if field.optional:
            actions.append(Action("不知道", "不知道"))
        form = {"calculation": calculation.name, "title": calculation.title, "field": field.name, "kind": field.kind, "label": field.label}
        return Step(text, state, actions=tuple(actions), form=form)

    @staticmethod
    def _question(field: Field) -> str:
        lines = [field.ask, *(f"{place}. {label}" for place, (_, label) in enumerate(field.choices, 1))]
        return "\n".join(lines)

    @staticmethod
    def _heard(calculation: Calculation, known: Mapping[str, Value]) -> str:
        said = "；".join(f"{f.label}：{say_value(f, known[f.name])}" for f in calculation.fields if f.name in known)
        return f"您前面说过：{said}。\n" if said else ""
