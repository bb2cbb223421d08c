"""What a calculation asks, and what it gives: fields in, steps with their articles out; frozen.

Knows no law, no dialogue and no page. Money is Decimal in yuan, days are datetime.date, durations are whole months.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Literal

from knowledge.records import Citation

FieldKind = Literal["date", "money", "months", "count", "choice", "yes"]
Value = date | Decimal | int | str | bool
"""date for date, Decimal (yuan) for money, int for months and count, the choice's key for choice, bool for yes."""
Values = Mapping[str, Value]


def always(values: Values) -> bool:
    """A field that is needed whatever else is known."""
    return True


@dataclass(frozen=True, slots=True)
class Field:
    """One thing a calculation must know.

    Attributes:
        name: the keyword of the calculation's function.
        label: its name for a form, in Chinese.
        ask: the question to the worker, in Chinese, with an example of how to write the answer.
        choices: for kind choice, (key, Chinese) pairs.
        default: what holds where the worker does not know and `optional` is true; said among the assumptions.
        optional: may be left out ("不知道").
        unit: what a count counts, such as 天, 小时, 级.
        needed: whether it must be asked, given what is known so far.
        said: words in a message that give this field its place, such as 入职, 离职, 月工资.
        alone: the only value with this unit in a message is this field's (十级), whatever stands beside it.
        hints: for yes and choice, (pattern, value) pairs: words that say it plainly.
    """

    name: str
    label: str
    kind: FieldKind
    ask: str
    choices: tuple[tuple[str, str], ...] = ()
    default: Value | None = None
    optional: bool = False
    unit: str = ""
    needed: Callable[[Values], bool] = always
    said: tuple[str, ...] = ()
    alone: bool = False
    hints: tuple[tuple[str, str | bool], ...] = ()


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the sum in a Chinese sentence, its article, and its amount where it has one."""

    text: str
    basis: Citation
    amount: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Result:
    """A sum, a day or a number of days, worked out in the open.

    Attributes:
        headline: the result in one Chinese sentence.
        amount: the sum in yuan where the result is one.
        day: the date where the result is one.
        count: days or months where the result is such a number.
        unit: 元, 天, 个月, or empty for a date.
        steps: in order, each with its article.
        assumptions: what was taken as given.
        changes: what would change the result.
        unknown: figures a province or a year sets that were not given, by name; the result then leaves them open.
        human: why a human should look at it, or empty.
    """

    headline: str
    steps: tuple[Step, ...]
    amount: Decimal | None = None
    day: date | None = None
    count: int | None = None
    unit: str = "元"
    assumptions: tuple[str, ...] = ()
    changes: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    human: str = ""


@dataclass(frozen=True, slots=True)
class Doubt:
    """Input that cannot be, or hardly can: asked back, never computed. `field` is the one to ask again."""

    field: str
    text: str


@dataclass(frozen=True, slots=True)
class Calculation:
    """A calculation by name: what it asks and the pure function that works it out.

    Attributes:
        name: lower-case English with hyphens; the path of POST /api/calculate/{name}.
        title: in Chinese, such as 经济补偿.
        work: keyword arguments named as the fields; a Result, or a Doubt to ask back.
    """

    name: str
    title: str
    fields: tuple[Field, ...]
    work: Callable[..., Result | Doubt]
