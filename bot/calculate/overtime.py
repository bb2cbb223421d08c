"""加班费: 150, 200 or 300 percent of the hourly or daily wage.

劳动法 44; hour and day from the month by 21.75 days and 8 hours (人社部发〔2025〕2号, 第二项).
"""

from __future__ import annotations

from decimal import Decimal

from bot.calculate.doubts import doubt_count, doubt_wage
from bot.calculate.months import PAID_DAYS, cents, say_money, say_number
from bot.calculate.values import Calculation, Doubt, Field, Result, Step
from knowledge.records import Citation

HOURS = Decimal(8)
NOTICE = "人力资源社会保障部关于职工全年月平均工作时间和工资折算问题的通知"
KINDS = (("workday", "平时延长工作时间"), ("restday", "休息日（周末），没有补休"), ("holiday", "法定节假日"))
_RATES = {"workday": (Decimal("1.5"), "第一项"), "restday": (Decimal(2), "第二项"), "holiday": (Decimal(3), "第三项")}
MOST_HOURS = 400
MOST_A_MONTH = 36
"""Hours by which a month's working time may be prolonged at most (劳动法 41)."""


def overtime(*, wage: Decimal, kind: str, hours: int) -> Result | Doubt:
    """Pay for overtime of one kind.

    Args:
        wage: monthly base, yuan.
        kind: a key of KINDS.
        hours: overtime hours in the time asked about.
    """
    if (doubt := doubt_wage("wage", wage) or doubt_count("hours", hours, 1, MOST_HOURS, "加班小时数")) is not None:
        return doubt
    rate, item = _RATES[kind]
    hourly = wage / PAID_DAYS / HOURS
    total = hourly * rate * hours
    long = kind == "workday" and hours > MOST_A_MONTH
    steps = (
        Step(f"小时工资：{say_money(wage)} ÷ 21.75 ÷ 8 ≈ {say_money(hourly)}", Citation(NOTICE, "第二项")),
        Step(
            f"{dict(KINDS)[kind]}，不低于{say_number(rate * 100)}%："
            f"{say_money(wage)} ÷ 21.75 ÷ 8 × {say_number(rate)} × {hours}小时 = {say_money(total)}",
            Citation("劳动法", "第四十四条", item),
            cents(total),
        ),
    )
    return Result(
        f"这{hours}小时的加班费至少约{say_money(total)}",
        steps,
        amount=cents(total),
        assumptions=("标准工时制；加班是单位安排的", "计算基数就是您说的月工资（各地对基数有不同规定，合同有约定的先看约定）"),
        changes=(
            *(("休息日已安排补休的，可以不付加班费",) if kind == "restday" else ()),
            *((f"一个月里延长工作时间不能超过{MOST_A_MONTH}小时（《劳动法》第四十一条）；超过的照样要付钱",) if long else ()),
            "不定时工作制一般不算加班费；计件工资按计件单价、综合计算工时按整个周期另算"
            + ("（法定节假日上班的，综合计算工时也是300%）" if kind == "holiday" else ""),
            *(("300%是正常月工资以外另付的",) if kind == "holiday" else ()),
            "各种加班混在一起的，要分开算再相加",
        ),
    )


CALCULATION = Calculation(
    "overtime",
    "加班费",
    (
        Field("kind", "哪一种加班", "choice", "是哪一种加班？", KINDS, said=("周末", "节假日", "平时", "晚上")),
        Field("hours", "加班小时数", "count", "一共加了多少个小时？比如“36小时”；一天按8小时算。", unit="小时", said=("加班", "加了")),
        Field("wage", "月工资（元）", "money", "每月工资多少（不含加班费）？", said=("工资", "月薪", "底薪", "一个月", "每月")),
    ),
    overtime,
)
