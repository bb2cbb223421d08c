"""试用期: how long it may be, the least wage, and what a longer one costs the employer. 劳动合同法 19, 20, 83."""

from __future__ import annotations

from decimal import Decimal

from bot.calculate.doubts import doubt_count, doubt_wage
from bot.calculate.months import cents, say_money
from bot.calculate.values import Calculation, Doubt, Field, Result, Step
from knowledge.records import Citation

LAW = "劳动合同法"
TERMS = (
    ("short", "不满三个月，或者以完成一定任务为期限"),
    ("quarter", "三个月以上不满一年"),
    ("year", "一年以上不满三年"),
    ("three", "三年以上，或者无固定期限"),
)
LONGEST = {"short": 0, "quarter": 1, "year": 2, "three": 6}
_TERM_MONTHS = {"short": 3, "quarter": 12, "year": 36, "three": 1000}
"""Months that a contract of this kind may run at most, and a probation with it; one for a piece of work may run longer."""
_PARAGRAPH = {"short": "第三款", "quarter": "第一款", "year": "第一款", "three": "第一款"}


def probation(*, term: str, agreed: int, served: int, wage: Decimal | None = None) -> Result | Doubt:
    """Whether a probation is too long, and the compensation for what was served too long.

    Args:
        term: a key of TERMS, the contract's term.
        agreed, served: months of probation agreed, and served already.
        wage: monthly wage after probation, yuan; None leaves the sum open.
    """
    doubt = doubt_count("agreed", agreed, 0, 36, "试用期月数") or doubt_count("served", served, 0, 36, "已过的试用期月数")
    if doubt is not None:
        return doubt
    if wage is not None and (doubt := doubt_wage("wage", wage)) is not None:
        return doubt
    if served > agreed:
        return Doubt("agreed", f"约定的是{agreed}个月，却已经过了{served}个月？延长过的，请把延长的也算进去：一共约定了几个月？")
    longest = LONGEST[term]
    excess = max(0, served - longest)
    most = f"试用期最多{longest}个月" if longest else "不能约定试用期"
    steps = [Step(f"合同期限“{dict(TERMS)[term]}”，{most}", Citation(LAW, "第十九条", _PARAGRAPH[term]))]
    assumptions = ("同一单位只约定过一次试用期",)
    changes = (
        "试用期包含在合同期限里；只约定试用期的，试用期不成立，该期限就是合同期限",
        *(
            (f"试用期约定了{agreed}个月，比合同期限（{dict(TERMS)[term]}）还长，前后对不上：请核对合同签了多久，签得长的上限不一样",)
            if agreed > _TERM_MONTHS[term]
            else ()
        ),
        *(("申请仲裁的时效一年（《劳动争议调解仲裁法》第二十七条），超期已久的月份可能过了，要尽快申请",) if excess else ()),
    )
    if agreed <= longest and not excess:
        headline = f"约定{agreed}个月没有超过上限（{longest}个月）"
        if wage is not None:
            least = wage * Decimal("0.8")
            steps.append(
                Step(
                    f"试用期工资不能低于约定工资的80%：{say_money(wage)} × 80% = {say_money(least)}，也不能低于本地最低工资",
                    Citation(LAW, "第二十条"),
                    cents(least),
                )
            )
        return Result(
            headline,
            tuple(steps),
            count=longest,
            unit="个月",
            assumptions=assumptions,
            changes=changes,
            unknown=("本地最低工资标准",) if wage is not None else (),
        )
    broken = "超过了上限" if longest else "而这种合同不能约定试用期"
    steps.append(Step(f"约定了{agreed}个月，{broken}，违法；由劳动行政部门责令改正", Citation(LAW, "第八十三条")))
    if not excess:
        return Result(
            f"{most}，约定{agreed}个月违法；还没有超期履行，暂没有赔偿金",
            tuple(steps),
            amount=Decimal("0.00"),
            assumptions=assumptions,
            changes=("超期的部分真的履行了，才有赔偿金",),
        )
    if wage is None:
        steps.append(Step(f"已经多履行{excess}个月，按试用期满后的月工资赔{excess}个月", Citation(LAW, "第八十三条")))
        return Result(
            f"超期履行了{excess}个月，赔偿金是{excess}个月的转正工资",
            tuple(steps),
            count=excess,
            unit="个月",
            assumptions=assumptions,
            changes=changes,
            unknown=("试用期满后的月工资",),
        )
    total = wage * excess
    steps.append(
        Step(
            f"已经多履行{excess}个月，按试用期满月工资赔：{say_money(wage)} × {excess} = {say_money(total)}",
            Citation(LAW, "第八十三条"),
            cents(total),
        )
    )
    return Result(
        f"超期履行了{excess}个月，赔偿金约{say_money(total)}", tuple(steps), amount=cents(total), assumptions=assumptions, changes=changes
    )


CALCULATION = Calculation(
    "probation",
    "试用期长短和超期赔偿",
    (
        Field("term", "合同期限", "choice", "劳动合同签了多久？", TERMS, said=("合同", "签了")),
        Field("agreed", "约定的试用期（月）", "count", "约定的试用期几个月？", unit="个月", said=("试用期", "试用")),
        Field("served", "已经过了几个月试用期", "count", "试用期已经过了几个月？", unit="个月", said=("过了", "已经")),
        Field("wage", "转正工资（元）", "money", "转正以后每月多少钱？不知道就说“不知道”。", optional=True, said=("转正", "工资", "月薪")),
    ),
    probation,
)
