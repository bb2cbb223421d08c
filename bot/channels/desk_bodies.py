"""What the desk is told over HTTP: bodies with their limits; unknown fields are refused."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from bot.handoff.tickets import RATINGS, RESULTS

Words = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2000)]
Short = Annotated[str, StringConstraints(strip_whitespace=True, max_length=300)]
Code = Annotated[str, StringConstraints(pattern=r"^\d{6}$")]
Number = Annotated[str, StringConstraints(pattern=r"^NX\d{8}-\d{6,}$")]


class Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class SignInBody(Body):
    name: str = Field(max_length=64)
    password: str = Field(max_length=256)


class DutyBody(Body):
    on_duty: bool


class SayBody(Body):
    text: Words


class TransferBody(Body):
    terminal: Code
    group: Literal["agents", "lawyers"] = "agents"
    why: Short = ""


class ReturnBody(Body):
    why: Words


class DualBody(Body):
    terminal: Code


class AnswerBody(Body):
    result: Literal["已解答", "已办结", "已转有关部门", "不予受理", "联系不上"]


class RatingBody(Body):
    rating: Literal["满意", "基本满意", "不满意"]


class RevealBody(Body):
    turn: int | None = Field(None, description="Which of the worker's messages; nothing: what was given at intake.")


class PhoneBody(Body):
    matter: Words
    employer: Short = ""
    place: Short = ""
    period: Short = ""
    amount: Short = ""
    people: Annotated[str, StringConstraints(pattern=r"^\d{0,5}$")] = ""
    contact: Short = ""
    take: bool = True


class AgentBody(Body):
    name: str = Field(max_length=32)
    shown: str = Field("", max_length=32)
    password: str = Field(max_length=256)
    role: Literal["agent", "lawyer", "editor", "supervisor", "admin"] = "agent"
    region: Code


class AgentChange(Body):
    active: bool | None = None
    password: str | None = Field(None, max_length=256)


class Done(BaseModel):
    ok: bool = True


assert set(AnswerBody.model_fields["result"].annotation.__args__) == set(RESULTS)  # type: ignore[union-attr]
assert set(RatingBody.model_fields["rating"].annotation.__args__) == set(RATINGS)  # type: ignore[union-attr]
