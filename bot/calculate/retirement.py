"""退休时间: the month in which the lawful age is reached under the gradual delay. 国务院关于渐进式延迟法定退休年龄的办法 1-3."""

from __future__ import annotations

from datetime import date

from bot.calculate.months import add_months
from bot.calculate.values import Calculation, Doubt, Field, Result, Step
from knowledge.records import Citation

RULE = "国务院关于渐进式延迟法定退休年龄的办法"
WHO = (("man", "男职工"), ("woman55", "女职工，原来55岁退休（管理技术等岗位）"), ("woman50", "女职工，原来50岁退休"))
OLD_AGE = {"man": 60, "woman55": 55, "woman50": 50}
STEP_MONTHS = {"man": 4, "woman55": 4, "woman50": 2}
"""For every so many months of birth (第一条), a month of delay."""
MOST_DELAY = {"man": 36, "woman55": 36, "woman50": 60}
FIRST = 2025 * 12
"""January 2025 as a month number."""
MOST_EARLY = 36
IN_FORCE = date(2025, 1, 1)


def delay_months(who: str, year: int, month: int) -> int:
    """Months of delay for a birth month: one for each begun STEP_MONTHS since the first cohort, at most MOST_DELAY."""
    since = (year + OLD_AGE[who]) * 12 + month - 1 - FIRST
    return 0 if since < 0 else min(MOST_DELAY[who], since // STEP_MONTHS[who] + 1)


def least_years(year: int) -> tuple[int, int]:
    """Least contribution as (years, months) for a year of retirement: 15 until 2029, then half a year more each year up to 20."""
    half_years = min(max(year - 2029, 0), 10)
    return 15 + half_years // 2, 6 * (half_years % 2)


def retirement(*, born: date, who: str) -> Result | Doubt:
    """The month of retirement, the earliest one by choice, and the contributions it needs.

    Args:
        born: date of birth; the day does not matter.
        who: a key of WHO.
    """
    if not 1940 <= born.year <= 2015:
        return Doubt("born", f"出生年份是{born.year}年吗？麻烦您再说一遍出生年月。")
    delay = delay_months(who, born.year, born.month)
    old = add_months(born.replace(day=1), OLD_AGE[who] * 12)
    new = add_months(old, delay)
    years, months = divmod(OLD_AGE[who] * 12 + delay, 12)
    age = f"{years}岁" + (f"{months}个月" if months else "")
    need_years, need_months = least_years(new.year)
    need = f"{need_years}年" + (f"{need_months}个月" if need_months else "")
    early = max(old, add_months(new, -MOST_EARLY))
    before = old < IN_FORCE
    steps = [
        Step(
            f"{born.year}年{born.month}月出生，{OLD_AGE[who]}岁在{old.year}年{old.month}月，延迟从2025年1月1日起才有，不用延迟"
            if before
            else f"{born.year}年{born.month}月出生，原来{OLD_AGE[who]}岁（{old.year}年{old.month}月）退休，延迟{delay}个月，到{age}",
            Citation(RULE, "第一条"),
        ),
        Step(
            f"{new.year}年退休，按月领养老金最少要缴费{need}" + ("" if before else "；到时不够的，可以按规定延长缴费或者一次补缴"),
            Citation("社会保险法", "第十六条") if before else Citation(RULE, "第二条"),
        ),
    ]
    if delay:
        steps.append(
            Step(
                f"缴费够最低年限的，可以自愿提前，最早{early.year}年{early.month}月；单位不能强迫",
                Citation(RULE, "第三条"),
            )
        )
    return Result(
        f"{new.year}年{new.month}月退休（{age}）",
        tuple(steps),
        day=new,
        unit="",
        assumptions=("按档案里的出生年月", "不是特殊工种，没有办病退、内退"),
        changes=(
            "特殊工种、高海拔地区可以提前",
            *(("女职工原来按50岁还是55岁，看岗位和合同",) if who != "man" else ()),
            *(() if before else ("和单位商量一致，可以再延后，最多三年",)),
        ),
    )


CALCULATION = Calculation(
    "retirement",
    "什么时候退休",
    (
        Field("born", "出生年月", "date", "您是哪年哪月出生的？比如“1970年5月”。", said=("生", "出生", "年生", "生日")),
        Field("who", "职工类别", "choice", "您是哪一类？", WHO, said=("男", "女")),
    ),
    retirement,
)
