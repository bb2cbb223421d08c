"""Calculations over HTTP: GET /api/calculate lists them, POST /api/calculate/{name} works one out.

Each has a route and a body of its own, so that OpenAPI says what it asks.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Literal

from fastapi import APIRouter, HTTPException
from pydantic import BaseModel, ConfigDict, create_model
from pydantic import Field as BodyField

from bot.calculate.registry import CALCULATIONS
from bot.calculate.values import Calculation, Doubt, Field, Result
from bot.estimate import ESTIMATE, LOCAL, work


class FieldOut(BaseModel):
    name: str
    label: str
    kind: str
    ask: str
    choices: list[tuple[str, str]]
    optional: bool
    unit: str


class CalculationOut(BaseModel):
    name: str
    title: str
    fields: list[FieldOut]


class StepOut(BaseModel):
    text: str
    law: str
    article: str
    amount: Decimal | None


class ResultOut(BaseModel):
    headline: str
    amount: Decimal | None
    day: date | None
    count: int | None
    unit: str
    steps: list[StepOut]
    assumptions: list[str]
    changes: list[str]
    unknown: list[str]
    human: str
    note: str


def create_router(now: Callable[[], datetime]) -> APIRouter:
    """One route a calculation."""
    router = APIRouter(prefix="/api/calculate", tags=["calculate"])

    @router.get("", response_model=list[CalculationOut])
    def calculations() -> list[CalculationOut]:
        """All calculations and what they ask."""
        return [_described(calculation) for calculation in CALCULATIONS.values()]

    for calculation in CALCULATIONS.values():
        _add(router, calculation, now)
    return router


def _add(router: APIRouter, calculation: Calculation, now: Callable[[], datetime]) -> None:
    body = _body(calculation)

    def calculate(values: BaseModel) -> ResultOut:
        given = {name: value for name, value in values.model_dump().items() if value is not None}
        missing = [f.name for f in calculation.fields if f.name not in given and not f.optional and f.default is None and f.needed(given)]
        if missing:
            raise HTTPException(422, f"还缺：{'、'.join(missing)}")
        unwanted = {f.name for f in calculation.fields if f.name in given and not f.needed(given)}
        found = work(calculation, {name: value for name, value in given.items() if name not in unwanted}, (now() + LOCAL).date())
        if isinstance(found, Doubt):
            raise HTTPException(422, {"field": found.field, "text": found.text})
        return _out(found)

    calculate.__annotations__["values"] = body  # the route's own body: FastAPI reads it off the annotation
    router.add_api_route(
        f"/{calculation.name}", calculate, methods=["POST"], response_model=ResultOut, summary=calculation.title, name=calculation.name
    )


def _body(calculation: Calculation) -> type[BaseModel]:
    fields: dict[str, Any] = {}
    for field in calculation.fields:
        kind: Any = {"date": date, "money": Decimal, "months": int, "count": int, "yes": bool}.get(field.kind)
        if field.kind == "choice":
            kind = Literal[tuple(key for key, _ in field.choices)]
        fields[field.name] = (kind | None, BodyField(None, description=f"{field.label}。{_hint(field)}"))
    name = calculation.name.title().replace("-", "")
    return create_model(f"{name}Body", __config__=ConfigDict(extra="forbid"), **fields)


def _hint(field: Field) -> str:
    choices = "；".join(f"{key}：{label}" for key, label in field.choices)
    return choices or field.ask


def _described(calculation: Calculation) -> CalculationOut:
    fields = [
        FieldOut(name=f.name, label=f.label, kind=f.kind, ask=f.ask, choices=list(f.choices), optional=f.optional, unit=f.unit)
        for f in calculation.fields
    ]
    return CalculationOut(name=calculation.name, title=calculation.title, fields=fields)


def _out(result: Result) -> ResultOut:
    return ResultOut(
        headline=result.headline,
        amount=result.amount,
        day=result.day,
        count=result.count,
        unit=result.unit,
        steps=[StepOut(text=s.text, law=s.basis.law, article=s.basis.article + s.basis.detail, amount=s.amount) for s in result.steps],
        assumptions=list(result.assumptions),
        changes=list(result.changes),
        unknown=list(result.unknown),
        human=result.human,
        note=ESTIMATE,
    )
