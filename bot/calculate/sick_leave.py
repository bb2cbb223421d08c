"""医疗期: how many months an employer must not end the contract of someone ill. 企业职工患病或非因工负伤医疗期规定 3 and 4."""

from __future__ import annotations

from datetime import date

from bot.calculate.doubts import doubt_count
from bot.calculate.months import add_months, say_day
from bot.calculate.values import Calculation, Doubt, Field, Result, Step
from knowledge.records import Citation

RULE = "企业职工患病或非因工负伤医疗期规定"
WINDOWS = {3: 6, 6: 12, 9: 15, 12: 18, 18: 24, 24: 30}
"""Within how many months the days of illness are added up."""


def count_months(total: int, own: int) -> int:
    """Months by full years of work in all and at this employer, 第三条."""
    if total < 10:
        return 3 if own < 5 else 6
    return 6 if own < 5 else 9 if own < 10 else 12 if own < 15 else 18 if own < 20 else 24


def sick_leave(*, total: int, own: int, first: date | None = None) -> Result | Doubt:
    """Months of protection, and the window in which days of illness are added up.

    Args:
        total, own: full years of work in all, and at this employer.
        first: first day of illness; None leaves the window without dates.
    """
    if (doubt := doubt_count("total", total, 0, 50, "累计工龄") or doubt_count("own", own, 0, 50, "本单位工龄")) is not None:
        return doubt
    if own > total:
        return Doubt("total", f"累计工龄（{total}年）不会比本单位工龄（{own}年）还短，麻烦您核对一下。")
    months = count_months(total, own)
    steps = [
        Step(f"累计工作满{total}年、在本单位满{own}年，医疗期{months}个月", Citation(RULE, "第三条")),
        Step(f"病休时间在{WINDOWS[months]}个月内累计计算", Citation(RULE, "第四条")),
    ]
    if first is not None:
        end = add_months(first, WINDOWS[months])
        steps.append(
            Step(
                f"从{say_day(first)}第一天病休起，{WINDOWS[months]}个月到{say_day(end)}前，这中间的病休天数加起来算",
                Citation(RULE, "第四条"),
            )
        )
    return Result(
        f"医疗期{months}个月，在{WINDOWS[months]}个月内累计计算",
        tuple(steps),
        count=months,
        unit="个月",
        assumptions=(
            "生病或受伤不是工伤",
            "年数都是满年，不足一年的零头不算进下一档；算到病休开始的时候",
            *(("窗口从第一天病休算起，这是劳动部的解释（劳部发〔1995〕236号），条文本身没有写",) if first is not None else ()),
        ),
        changes=(
            "癌症、精神病、瘫痪等特殊疾病，24个月还没有好的，经单位和劳动部门批准可以延长"
            + ("" if months == 24 else f"；您这一档是{months}个月，有的地方（如山东）不适用这个延长"),
            "病假工资由各地和单位规章规定，不低于当地最低工资的80%，这里不算",
        ),
    )


CALCULATION = Calculation(
    "sick-leave",
    "医疗期有几个月",
    (
        Field("total", "累计工作年数", "count", "您前后一共工作满几年了？", unit="年", said=("工龄", "一共", "累计", "总共")),
        Field("own", "本单位工作年数", "count", "在这家单位满几年了？", unit="年", said=("本单位", "这家", "公司", "厂")),
        Field(
            "first",
            "第一天病休",
            "date",
            "哪一天开始休病假的？不要日期就说“不知道”。",
            optional=True,
            said=("病假", "病休", "生病", "住院"),
        ),
    ),
    sick_leave,
)
