"""工亡待遇: funeral, one-off and dependants' money. 工伤保险条例 39."""

from __future__ import annotations

from decimal import Decimal

from bot.calculate.doubts import doubt_count, doubt_wage
from bot.calculate.months import cents, say_money
from bot.calculate.values import Calculation, Doubt, Field, Result, Step
from knowledge.records import Citation

RULE = "工伤保险条例"
ARTICLE = Citation(RULE, "第三十九条")
FUNERAL_MONTHS, TIMES = 6, 20
LEAST_INCOME, MOST_INCOME = Decimal(15_000), Decimal(150_000)
"""Yuan a year; outside of this somebody gave another figure, such as a monthly one."""


def injury_death(
    *, wage: Decimal, spouse: bool, others: int, alone: int = 0, local_wage: Decimal | None = None, income: Decimal | None = None
) -> Result | Doubt:
    """What the family is due.

    Args:
        wage: the dead worker's own monthly wage, yuan.
        spouse: a spouse who lived by the worker's income.
        others: other dependants of that kind (children, parents, …).
        alone: how many of these others are old people on their own or orphans.
        local_wage: last year's mean monthly wage of the pooling area, yuan; None leaves the funeral money open.
        income: last year's national disposable income per head in towns, yuan a year; None leaves the one-off open.
    """
    doubt = doubt_wage("wage", wage) or doubt_count("others", others, 0, 20, "其他供养亲属人数")
    if (doubt := doubt or doubt_count("alone", alone, 0, others, "孤寡老人或孤儿人数")) is not None:
        return doubt
    if income is not None and not LEAST_INCOME <= income <= MOST_INCOME:
        return Doubt(
            "income",
            f"全国城镇居民人均可支配收入是一年{say_money(income)}吗？这是国家统计局公布的一年的数，麻烦您再核对；不知道就说“不知道”。",
        )
    steps, unknown, known = [], [], Decimal(0)
    if local_wage is not None:
        low, high = local_wage * 6 / 10, local_wage * 3
        if not low <= wage <= high:
            bound = low if wage < low else high
            what = "低于" if wage < low else "高于"
            share = "60%" if wage < low else "300%"
            steps.append(
                Step(
                    f"本人工资{say_money(wage)}{what}{say_money(local_wage)}的{share}，按{share}即{say_money(bound)}算",
                    Citation(RULE, "第六十四条"),
                )
            )
            wage = bound
    if local_wage is None:
        steps.append(Step(f"丧葬补助金：{FUNERAL_MONTHS}个月统筹地区上年度职工月平均工资", ARTICLE))
        unknown.append("统筹地区上年度职工月平均工资（丧葬补助金）")
    else:
        funeral = local_wage * FUNERAL_MONTHS
        known += funeral
        steps.append(Step(f"丧葬补助金：{say_money(local_wage)} × {FUNERAL_MONTHS} = {say_money(funeral)}", ARTICLE, cents(funeral)))
    if income is None:
        steps.append(Step(f"一次性工亡补助金：上年度全国城镇居民人均可支配收入的{TIMES}倍", ARTICLE))
        unknown.append("上年度全国城镇居民人均可支配收入（一次性工亡补助金）")
    else:
        one_off = income * TIMES
        known += one_off
        steps.append(Step(f"一次性工亡补助金，上一年度的数：{say_money(income)} × {TIMES} = {say_money(one_off)}", ARTICLE, cents(one_off)))
    percent = (40 if spouse else 0) + 30 * others + 10 * alone
    if percent:
        monthly = wage * min(percent, 100) / 100
        cap = "，合计不超过生前工资，按100%" if percent > 100 else ""
        steps.append(
            Step(
                f"供养亲属抚恤金每月：配偶40%、其他亲属每人30%、孤寡老人和孤儿再加10%，共{percent}%{cap}，"
                f"{say_money(wage)} × {min(percent, 100)}% = "
                f"{say_money(monthly)}",
                ARTICLE,
                cents(monthly),
            )
        )
    more = "，还不含一次性工亡补助金（最大的一笔）" if income is None else "，还不含丧葬补助金" if local_wage is None else ""
    headline = f"能算出的一次性待遇共{say_money(known)}{more}" if known else "一次性待遇要先知道上年度的两个统计数"
    if percent:
        headline += f"，抚恤金每月约{say_money(wage * min(percent, 100) / 100)}"
    return Result(
        headline,
        tuple(steps),
        amount=cents(known) if known and not unknown else None,
        assumptions=(
            "已经认定为工亡",
            "本人工资是受伤害前12个月平均月缴费工资，低于统筹地区平均60%、高于300%的要调整（第六十四条）",
            "供养亲属靠职工生前提供主要生活来源、没有劳动能力",
        ),
        changes=(
            "单位没有参保的，由单位按同样标准付",
            "停工留薪期内因伤死亡的也享受全部待遇；一级至四级停工期满后死亡的，没有一次性工亡补助金",
        ),
        unknown=tuple(unknown),
        human="工亡待遇关系重大，请人工坐席或律师帮您逐项核对。",
    )


CALCULATION = Calculation(
    "injury-death",
    "工亡待遇",
    (
        Field("wage", "生前月工资（元）", "money", "去世的职工，受伤前12个月平均每月工资多少？", said=("工资", "月薪", "一个月", "每月")),
        Field("spouse", "有靠他供养的配偶", "yes", "有靠他（她）供养的配偶吗？", said=()),
        Field(
            "others",
            "其他供养亲属人数",
            "count",
            "其他靠他（她）供养的亲属（未成年子女、没有劳动能力的父母等）有几人？没有说“0人”。",
            unit="人",
            said=(),
        ),
        Field("alone", "其中孤寡老人、孤儿人数", "count", "这些亲属里有几位是孤寡老人或者孤儿？没有说“0人”。", unit="人", said=()),
        Field("local_wage", "统筹地区职工月平均工资（元）", "money", "知道本地上年度职工月平均工资吗？不知道就说“不知道”。", optional=True),
        Field(
            "income",
            "全国城镇居民人均可支配收入（元/年）",
            "money",
            "知道上年度全国城镇居民人均可支配收入吗（国家统计局每年公布，是一年的数）？不知道就说“不知道”。",
            optional=True,
        ),
    ),
    injury_death,
)
