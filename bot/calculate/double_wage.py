"""没签书面劳动合同的二倍工资: from the second month of work, eleven months at most.

劳动合同法 82, 实施条例 6 and 7, 劳动争议解释（二） 6 (a broken month by its working days), 调解仲裁法 27.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from bot.calculate.doubts import doubt_span, doubt_wage
from bot.calculate.months import DAY, PAID_DAYS, add_months, cents, full_months, say_day, say_money, say_span, weekdays
from bot.calculate.values import Calculation, Doubt, Field, Result, Step
from knowledge.records import Citation

LAW, RULES, ARBITRATION = "劳动合同法", "劳动合同法实施条例", "劳动争议调解仲裁法"
COURT = "最高人民法院关于审理劳动争议案件适用法律问题的解释（二）"


def double_wage(*, start: date, until: date, wage: Decimal, signed: bool = True, today: date | None = None) -> Result | Doubt:
    """The second wage for the time without a written contract.

    Args:
        start: first day of work.
        until: the day the contract was signed, or else the last day without one (leaving, or today).
        signed: it was signed on `until`, which is then no day without one (实施条例 6: up to the day before).
        wage: monthly wage of that time, yuan.
        today: the day of asking; a year after the last month the claim is most likely too late (调解仲裁法 27).
    """
    if (doubt := doubt_span("start", start, "until", until) or doubt_wage("wage", wage)) is not None:
        return doubt
    first, full_year = add_months(start, 1), add_months(start, 12)
    last = min(until if signed else until + DAY, full_year)
    if last <= first:
        return Result(
            "还没有超过一个月，没有二倍工资（0元）",
            (Step(f"用工没有超过一个月（到{say_day(first - DAY)}），不付二倍工资", Citation(LAW, "第八十二条", "第一款")),),
            amount=Decimal("0.00"),
            changes=("还在上班、过了一个月还没有签的，从第二个月起每月加付一份工资",),
        )
    months, days = full_months(first, last)
    steps = [
        Step(
            f"二倍工资从用工满一个月的次日{say_day(first)}起，算到{say_day(last - DAY)}，共{say_span(months, days)}",
            Citation(RULES, "第七条" if last == full_year else "第六条"),
        )
    ]
    total = wage * months
    if days:
        worked = weekdays(add_months(first, months), last)
        part = min(wage, wage / PAID_DAYS * worked)  # 23 weekdays fit into a broken month, which still is no more than a month
        sum_ = f"{say_money(wage)} ÷ {PAID_DAYS} × {worked}天"
        steps.append(
            Step(f"不满一个月的{days}天按实际工作日算，周一到周五共{worked}天：{sum_} = {say_money(part)}", Citation(COURT, "第六条"))
        )
        total += part
    steps.append(Step(f"应当加付的那一份：共{say_money(total)}（正常工资之外）", Citation(LAW, "第八十二条", "第一款"), cents(total)))
    if last == full_year:
        steps.append(Step("满一年还没签的，视为已经订立无固定期限劳动合同，二倍工资最多算十一个月", Citation(RULES, "第七条")))
    steps.append(Step("申请仲裁的时效是一年，从知道或者应当知道权利受侵害那天起算", Citation(ARBITRATION, "第二十七条", "第一款")))
    late = today is not None and today > add_months(last, 12)
    headline = f"正常工资之外，大约还能要{say_money(total)}" + ("；但后来补签了，有的地方（如山东）不支持" if signed else "")
    if late:
        headline = f"算下来是{say_money(total)}，但最后一个月过去已经超过一年，多半过了仲裁时效"
    return Result(
        headline,
        tuple(steps),
        amount=cents(total),
        assumptions=(
            "每个月工资一样；入职那天算第一天",
            *(("零头里每周上五天班，法定节假日照样计薪；您实际上几天班，就按几天算",) if days else ()),
            "不是您自己不肯签",
        ),
        changes=(
            *(
                ("后来补签、又没有证据证明受了欺骗、胁迫的，山东不支持二倍工资（2019年会议纪要第二十三条），别的地方看法不一",)
                if signed
                else ()
            ),
            "时效怎么算各地不同：有的逐月算，早的月份先过期；山东按整体算一年（2019年会议纪要第二十一条）",
            *(() if late else ("过了时效，单位拿时效来抗辩的，一般要不回来，要尽快申请仲裁",)),
            "单位能证明是不可抗力，或者您自己故意、重大过失没签的，不支持（《劳动争议解释（二）》第七条）",
            "各月工资不同的，按各月实际工资算",
        ),
        human="时效可能因为要求过、投诉过而重新计算，请人工坐席帮您看看。" if late else "",
    )


CALCULATION = Calculation(
    "double-wage",
    "没签合同的二倍工资",
    (
        Field("start", "入职日期", "date", "您是哪一天入职的？", said=("入职", "进厂", "进公司", "来", "上班", "干")),
        Field(
            "until",
            "补签或离职的日期",
            "date",
            "后来哪一天补签了合同？一直没签的，说离职那天；还在上班的，说今天。",
            said=("补签", "签", "离职", "走", "辞退"),
        ),
        Field("signed", "后来补签了", "yes", "那一天补签了书面合同吗？（一直没签就说“没签”）", said=()),
        Field("wage", "月工资（元）", "money", "那段时间每月应发多少钱？", said=("工资", "月薪", "一个月", "每月")),
    ),
    double_wage,
)
