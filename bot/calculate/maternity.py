"""产假天数和截止日. 女职工劳动保护特别规定 7; 山东省人口与计划生育条例 25 (text of 2016)."""

from __future__ import annotations

from datetime import date, timedelta

from bot.calculate.doubts import doubt_count
from bot.calculate.months import say_day
from bot.calculate.values import Calculation, Doubt, Field, Result, Step, Values
from knowledge.records import Citation

RULE, SHANDONG = "女职工劳动保护特别规定", "山东省人口与计划生育条例"
ARTICLE = Citation(RULE, "第七条")
EVENTS = (("birth", "生孩子"), ("early", "怀孕未满4个月流产"), ("late", "怀孕满4个月流产"))
PLACES = (("shandong", "山东"), ("other", "别的省"))
RULE_SINCE, SHANDONG_SINCE = date(2012, 4, 28), date(2016, 1, 22)
"""From which day on the two texts hold; what held before is not in our library."""
BASE, DYSTOCIA, PER_CHILD, EARLY, LATE, SHANDONG_MORE = 98, 15, 15, 15, 42, 60


def is_birth(values: Values) -> bool:
    """Difficulty, number of children and place matter for a birth only."""
    return values.get("event") == "birth"


def maternity(*, event: str, start: date | None = None, children: int = 1, difficult: bool = False, place: str = "other") -> Result | Doubt:
    """Days of leave and the last of them.

    Args:
        event: a key of EVENTS.
        start: first day of leave; None leaves the end open.
        children: born at once.
        difficult: a difficult birth.
        place: a key of PLACES; the province may add days.
    """
    if (doubt := doubt_count("children", children, 1, 8, "孩子的个数")) is not None:
        return doubt
    unknown: list[str] = []
    changes: tuple[str, ...] = ("单位给得更多的按多的算",)
    if event == "birth":
        days, changes = BASE, ("产假里15天可以在产前休", *changes)
        steps = [Step(f"产假{BASE}天，其中产前可以休15天", ARTICLE)]
        if difficult:
            days += DYSTOCIA
            steps.append(Step(f"难产加{DYSTOCIA}天", ARTICLE))
        if children > 1:
            days += PER_CHILD * (children - 1)
            steps.append(Step(f"多胞胎每多一个加{PER_CHILD}天：{PER_CHILD} × {children - 1} = {PER_CHILD * (children - 1)}天", ARTICLE))
        if place == "shandong" and start is not None and start < SHANDONG_SINCE:
            unknown.append("山东当时增加的产假天数（现在加的60天从2016年1月22日起才有）")
        elif place == "shandong":
            days += SHANDONG_MORE
            steps.append(Step(f"山东符合规定生育的再加{SHANDONG_MORE}天", Citation(SHANDONG, "第二十五条")))
            changes = (*changes, "山东的天数按本库收录的2016年文本，以当地现行规定为准")
        else:
            unknown.append("本省增加的产假天数（各省不同）")
    else:
        days = EARLY if event == "early" else LATE
        steps = [Step(f"{dict(EVENTS)[event]}，产假{days}天", ARTICLE)]
    early = start is not None and start < RULE_SINCE
    end = None
    if start is not None:
        end = start + timedelta(days=days - 1)
        steps.append(Step(f"从{say_day(start)}休起，连休{days}天，到{say_day(end)}", ARTICLE))
    return Result(
        f"共{days}天" + (f"，休到{say_day(end)}" if end else "") + ("，另加本省规定的天数" if unknown else ""),
        tuple(steps),
        day=end,
        count=days,
        unit="天",
        assumptions=("含休息日和法定节假日，连续计算",),
        changes=changes,
        unknown=tuple(unknown),
        human="那时《女职工劳动保护特别规定》还没有施行，天数和现在不同，请人工坐席帮您核对。" if early else "",
    )


CALCULATION = Calculation(
    "maternity",
    "产假天数",
    (
        Field("event", "哪一种情况", "choice", "是哪一种情况？", EVENTS, said=("流产", "生孩子", "产假")),
        Field("place", "在哪个省", "choice", "在山东还是别的省？", PLACES, needed=is_birth, said=("山东",)),
        Field("children", "一次生几个", "count", "这次生了几个孩子？", unit="个", default=1, needed=is_birth, said=("双胞胎", "三胞胎")),
        Field("difficult", "难产", "yes", "是难产（包括剖宫产，以医院证明为准）吗？", needed=is_birth, said=()),
        Field("start", "开始休的日期", "date", "从哪一天开始休？不要日期就说“不知道”。", optional=True, said=("开始", "休")),
    ),
    maternity,
)
