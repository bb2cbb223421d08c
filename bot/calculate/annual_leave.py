"""年休假: how many days, pro rata in the year of coming or leaving, and the pay for days not given.

职工带薪年休假条例 3 and 5; 企业职工带薪年休假实施办法 5, 10, 11, 12.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from bot.calculate.doubts import doubt_count, doubt_wage
from bot.calculate.months import PAID_DAYS, add_months, cents, say_day, say_money
from bot.calculate.values import Calculation, Doubt, Field, Result, Step, Values
from knowledge.records import Citation

RULE, HOW = "职工带薪年休假条例", "企业职工带薪年休假实施办法"
SITUATIONS = (("whole", "全年都在这家单位"), ("left", "年中离职了"), ("joined", "今年刚入职（以前连续工作满一年）"))


def is_part_of_a_year(values: Values) -> bool:
    """Whether the day of coming or leaving matters."""
    return values.get("situation") in ("left", "joined")


def full_days(years: int) -> int:
    """Days a year by all years of work."""
    return 0 if years < 1 else 5 if years < 10 else 10 if years < 20 else 15


def annual_leave(
    *, years: int, situation: str, taken: int, day: date | None = None, wage: Decimal | None = None, today: date | None = None
) -> Result | Doubt:
    """Days due, days left, and their pay.

    Args:
        years: full years of work, all employers together.
        situation: a key of SITUATIONS.
        taken: days taken this year.
        day: last day of work (left) or first (joined).
        wage: mean monthly wage of 12 months without overtime, yuan; None leaves the pay open.
        today: the day of asking; more than a year after leaving the claim may be out of time.
    """
    doubt = doubt_count("years", years, 0, 50, "累计工作年数") or doubt_count("taken", taken, 0, 60, "已休天数")
    if doubt is not None:
        return doubt
    if wage is not None and (doubt := doubt_wage("wage", wage)) is not None:
        return doubt
    due = full_days(years)
    article = Citation(RULE, "第二条") if due == 0 else Citation(RULE, "第三条")
    steps = [Step(f"累计工作满{years}年，全年应休{due}天" if due else "连续工作不满一年，还没有年休假", article)]
    if due and situation != "whole":
        if day is None:
            raise TypeError("day is needed for a part of a year")
        first, last = date(day.year, 1, 1), date(day.year, 12, 31)
        length = 365  # the rule divides by 365 in every year
        span = (day - first).days + 1 if situation == "left" else (last - day).days + 1
        part = min(due, due * span // length)
        counted = f"到{say_day(day)}，当年已过" if situation == "left" else f"从{say_day(day)}起，当年剩余"
        steps.append(
            Step(
                f"{counted}{span}个日历天：{span} ÷ 365 × {due}天，不足一整天的不算，得{part}天",
                Citation(HOW, "第十二条" if situation == "left" else "第五条"),
            )
        )
        due = part
    left = max(0, due - taken)
    if taken and not full_days(years):
        steps.append(Step(f"已休{taken}天，单位当年假安排的，多休的不再扣回", Citation(HOW, "第十二条", "第三款")))
    elif taken:
        leaving = situation == "left"
        if taken > due:
            text = f"已休{taken}天，比应休的{due}天多，" + ("多休的不扣回" if leaving else "安排得比应休少的才补钱")
            paragraph = "第三款" if leaving else "第一款"
            steps.append(Step(text, Citation(HOW, "第十二条" if leaving else "第十条", paragraph)))
        else:
            steps.append(Step(f"已休{taken}天，还剩{due} - {taken} = {left}天", Citation(HOW, "第十二条" if leaving else "第十条")))
    assumptions: tuple[str, ...] = (
        "没有病假、事假过多等当年不享受的情形",
        "工作年数算到那一年；当年一月一日就在这家单位" if situation == "left" else "工作年数算到那一年",
    )
    if situation == "joined":
        assumptions = (*assumptions, "已休的，是入职以后在这家单位休的年休假")
    changes = (
        "以前年度的，要在一年的仲裁时效里要（《劳动争议调解仲裁法》第二十七条；从什么时候起算，各地看法不一）",
        "合同或规章给的天数更多的，按多的算",
        "单位安排了，您因本人原因书面提出不休的，只付正常工资（实施办法第十条第二款）",
        *(
            ("年度还没有过完的，单位还可以安排您休，经您同意也可以跨一个年度安排（条例第五条，实施办法第九条）",)
            if situation != "left" and left
            else ()
        ),
        *(("已休的天数里，双休日、节假日、探亲假、婚丧假、产假不算（条例第三条，实施办法第六条），请再核对一遍",) if taken > due else ()),
    )
    if wage is None or left == 0:
        unknown = ("月工资（没休的要按日工资的300%付，《职工带薪年休假条例》第五条）",) if left else ()
        headline = f"当年应休{due}天，" + (f"还有{left}天没休" if left else "都休完了" if due else "没有年休假")
        return Result(headline, tuple(steps), count=left, unit="天", assumptions=assumptions, changes=changes, unknown=unknown)
    total = wage / PAID_DAYS * left * 2
    late = "，但离职已经超过一年，要先看时效" if situation == "left" and day and today and today > add_months(day, 12) else ""
    steps += [
        Step(f"日工资：{say_money(wage)} ÷ 21.75 ≈ {say_money(wage / PAID_DAYS)}", Citation(HOW, "第十一条")),
        Step(
            f"没休的按日工资300%付，其中100%已随工资发了，再补200%：{say_money(wage)} ÷ 21.75 × {left}天 × 2 = {say_money(total)}",
            Citation(HOW, "第十条"),
            cents(total),
        ),
    ]
    return Result(
        f"还有{left}天没休，最后没有安排休的，应再补约{say_money(total)}{late}",
        tuple(steps),
        amount=cents(total),
        count=left,
        assumptions=(*assumptions, "正常工资已经发了；月工资是剔除加班费后的平均数"),
        changes=changes,
    )


CALCULATION = Calculation(
    "annual-leave",
    "年休假天数和未休工资",
    (
        Field(
            "years", "累计工作年数", "count", "您前后一共工作满几年了（包括别的单位）？比如“8年”。", unit="年", said=("工龄", "工作", "干")
        ),
        Field("situation", "今年的情况", "choice", "今年是哪种情况？", SITUATIONS),
        Field("day", "离职或入职的日期", "date", "离职（或入职）是哪一天？", needed=is_part_of_a_year, said=("离职", "入职")),
        Field("taken", "今年已休天数", "count", "今年已经休了几天年假？没休说“0天”。", unit="天", said=("休了", "已休")),
        Field(
            "wage",
            "月工资（元）",
            "money",
            "每月平均工资多少（不含加班费）？只想知道天数就说“不知道”。",
            optional=True,
            said=("工资", "月薪", "一个月", "每月"),
        ),
    ),
    annual_leave,
)
