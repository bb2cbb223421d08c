"""失业保险金最长领几个月. 社会保险法 46, 失业保险条例 14 and 17, 国务院关于渐进式延迟法定退休年龄的办法 7."""

from __future__ import annotations

from decimal import Decimal

from bot.calculate.doubts import doubt_count
from bot.calculate.months import cents, say_money
from bot.calculate.values import Calculation, Doubt, Field, Result, Step
from knowledge.records import Citation

LAW, RULE = "社会保险法", "失业保险条例"
LEAST_STANDARD, MOST_STANDARD = Decimal(300), Decimal(4_000)
"""Yuan a month. The standard lies below the local minimum wage (失业保险条例 18); these are no legal figures but a guard against slips."""


def longest_months(years: int) -> int:
    """Months at most, by full years of contributions."""
    return 0 if years < 1 else 12 if years < 5 else 18 if years < 10 else 24


def unemployment(*, years: int, own_will: bool, left_over: int = 0, standard: Decimal | None = None) -> Result | Doubt:
    """The longest time of benefit.

    Args:
        years: full years of contributions since benefit was last drawn.
        own_will: the worker left of their own will.
        left_over: months not drawn the last time.
        standard: the place's monthly benefit, yuan; None leaves the sum open.
    """
    doubt = doubt_count("years", years, 0, 45, "缴费年数") or doubt_count("left_over", left_over, 0, 24, "上次没领完的月数")
    if doubt is not None:
        return doubt
    if standard is not None and not LEAST_STANDARD <= standard <= MOST_STANDARD:
        return Doubt(
            "standard",
            f"失业保险金标准是每月{say_money(standard)}吗？它要低于当地最低工资、高于低保（《失业保险条例》第十八条），"
            "麻烦您再核对；不知道就说“不知道”。",
        )
    if own_will:
        return Result(
            "自己想走的，一般领不了失业保险金",
            (
                Step("要同时满足：缴费满一年、不是因本人意愿中断就业、已办失业登记并有求职要求", Citation(RULE, "第十四条")),
                *(
                    (Step("上次没领完的月数，以后再失业时合并计算，连同新的最长二十四个月", Citation(RULE, "第十七条")),)
                    if left_over
                    else ()
                ),
            ),
            count=0,
            unit="个月",
            changes=(
                "因单位欠薪、不交社保等被迫辞职的，单位提出、双方协商一致解除的，不算本人意愿（《实施〈社会保险法〉若干规定》第十三条）",
                "还没有领过的缴费年限保留着，以后再失业时累计；领过以后再就业的，年限从再就业起重新算（同规定第十四条）",
            ),
            human="离职原因有争议的，请人工坐席帮您看看。",
        )
    most = longest_months(years)
    if most == 0:
        step = Step("单位和本人缴费要满一年才能领", Citation(RULE, "第十四条"))
        return Result("缴费不满一年，领不了失业保险金", (step,), count=0, unit="个月", changes=("以前缴过、还没有领过的年限，可以累计",))
    since = "上次领金以后又就业，" if left_over else ""
    steps = [Step(f"{since}累计缴费满{years}年，最长领{most}个月", Citation(LAW, "第四十六条"))]
    total = min(24, most + left_over)
    if left_over:
        steps.append(Step(f"加上次没领完的{left_over}个月，合并计算，最长不超过24个月：{total}个月", Citation(RULE, "第十七条")))
    unknown = []
    amount = None
    if standard is None:
        unknown.append("本地失业保险金月标准（由省级政府定）")
    else:
        amount = cents(standard * total)
        steps.append(Step(f"领满的话：{say_money(standard)} × {total} = {say_money(standard * total)}", Citation(RULE, "第十八条"), amount))
    return Result(
        f"最长能领{total}个月" + (f"，领满共{say_money(standard * total)}" if standard is not None else ""),
        tuple(steps),
        amount=amount,
        count=total,
        unit="个月",
        assumptions=(
            "办了失业登记，有求职要求",
            *(("缴费年数是再就业以后的：重新就业再失业的，缴费时间重新计算（第四十六条）",) if left_over else ()),
        ),
        changes=(
            "以前领过失业金的，缴费年数从再就业那时重新算（第四十六条）",
            "每一缴费年数具体给几个月，各省还有细的规定，不超过这个上限",
            "重新就业、参军、移居境外、领养老金，或者没有正当理由拒不接受介绍的工作、培训的，停止领取（《社会保险法》第五十一条）",
            "离法定退休年龄不足一年的，领完还没有就业，可以接着领到退休年龄（《国务院关于渐进式延迟法定退休年龄的办法》第七条）",
        ),
        unknown=tuple(unknown),
    )


CALCULATION = Calculation(
    "unemployment",
    "失业金能领几个月",
    (
        Field(
            "years",
            "累计缴费年数",
            "count",
            "失业保险一共交满几年了（上次领过失业金的，从那以后算）？",
            unit="年",
            said=("交", "缴", "社保"),
        ),
        Field("own_will", "自己想走的", "yes", "是您自己想走的吗？（公司辞退、合同到期、被迫辞职都说“不是”）", said=()),
        Field("left_over", "上次没领完几个月", "count", "以前领过失业金、还有没领完的月数吗？没有说“0个月”。", unit="个月", said=()),
        Field("standard", "本地失业金月标准（元）", "money", "知道本地每月失业金标准吗？不知道就说“不知道”。", optional=True),
    ),
    unemployment,
)
