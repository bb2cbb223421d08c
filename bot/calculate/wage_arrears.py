"""拖欠工资: the sum owed, and what may come on top once an order to pay was not obeyed. 劳动合同法 30, 85."""

from __future__ import annotations

from decimal import Decimal

from bot.calculate.doubts import doubt_count, doubt_wage
from bot.calculate.months import cents, say_money
from bot.calculate.values import Calculation, Doubt, Field, Result, Step
from knowledge.records import Citation

LAW = "劳动合同法"


def wage_arrears(*, wage: Decimal, months: int, paid: Decimal = Decimal(0)) -> Result | Doubt:
    """Wages owed.

    Args:
        wage: monthly wage, yuan.
        months: full months unpaid or paid in part.
        paid: what was paid of them, yuan.
    """
    if (doubt := doubt_wage("wage", wage) or doubt_count("months", months, 1, 240, "拖欠的月数")) is not None:
        return doubt
    total = wage * months - paid
    if paid < 0 or total < 0:
        return Doubt("paid", f"这{months}个月工资一共{say_money(wage * months)}，您说已发{say_money(paid)}，麻烦您核对一下。")
    low, high = total * Decimal("0.5"), total
    steps = (
        Step(
            f"应发{say_money(wage)} × {months} - 已发{say_money(paid)} = 欠{say_money(total)}，单位要足额补上",
            Citation(LAW, "第三十条"),
            cents(total),
        ),
        Step(
            f"劳动行政部门责令限期支付，单位逾期还不付的，再按欠款的50%到100%加付赔偿金，即{say_money(low)}到{say_money(high)}",
            Citation(LAW, "第八十五条"),
        ),
    )
    return Result(
        f"欠您{say_money(total)}",
        steps,
        amount=cents(total),
        assumptions=("各月工资一样，是应发数", *(() if paid else ("这几个月一分钱也没有发",))),
        changes=(
            "加付的赔偿金要先经劳动监察责令支付、单位仍不付",
            "因为欠薪辞职的，还可以要经济补偿",
            "还在职的，要工资不受一年限制；已经离开的，要在离开后一年内申请仲裁（《劳动争议调解仲裁法》第二十七条）",
            "向劳动监察投诉的，违法行为结束后两年内要提出（《劳动保障监察条例》第二十条）",
        ),
    )


CALCULATION = Calculation(
    "wage-arrears",
    "拖欠的工资",
    (
        Field("wage", "月工资（元）", "money", "每月应发多少钱？", said=("工资", "月薪", "一个月", "每月")),
        Field("months", "拖欠几个月", "count", "拖欠了几个月？", unit="个月", said=("欠", "拖欠", "没发", "不发")),
        Field(
            "paid",
            "其间已发（元）",
            "money",
            "这几个月里已经发过一部分吗？发了多少？没有就说“0元”。",
            default=Decimal(0),
            optional=True,
            said=("发了", "给了"),
        ),
    ),
    wage_arrears,
)
