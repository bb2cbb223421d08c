"""工伤伤残待遇: one-off allowance, monthly allowance, wages while treated, nursing. 工伤保险条例 33-37, 62, 64."""

from __future__ import annotations

from decimal import Decimal

from bot.calculate.doubts import doubt_count, doubt_wage
from bot.calculate.months import cents, say_money, say_number
from bot.calculate.values import Calculation, Doubt, Field, Result, Step, Values
from knowledge.records import Citation

RULE = "工伤保险条例"
ONE_OFF = {1: 27, 2: 25, 3: 23, 4: 21, 5: 18, 6: 16, 7: 13, 8: 11, 9: 9, 10: 7}
"""Months of the worker's own wage, 第三十五条 to 第三十七条."""
MONTHLY = {1: 90, 2: 85, 3: 80, 4: 75, 5: 70, 6: 60}
"""Percent of the own wage; for grades 5 and 6 only where no work can be arranged."""
NURSING = {"none": 0, "part": 30, "most": 40, "all": 50}
CARE = (("none", "不需要护理"), ("part", "生活部分不能自理"), ("most", "生活大部分不能自理"), ("all", "生活完全不能自理"))
MOST_TREATMENT = 24


def is_severe(values: Values) -> bool:
    """Nursing is asked about for the grave grades only."""
    grade = values.get("grade")
    return isinstance(grade, int) and not isinstance(grade, bool) and grade <= 6


TREATED = ("住院", "治疗", "休养", "停工", "休息", "养伤")
LEAVES = ((r"(?:解除|终止)(?:劳动)?(?:关系|合同)|离职|辞职|辞工|不干了", True),)
_INSURANCE = "(?:工伤保险|社会保险|社保|保险)"
INSURED = (
    (rf"(?:没有?|未)(?:给?[我他她]?们?)?(?:买|交|缴纳?|上|参加|办|投)(?:过|的)?{_INSURANCE}|没有(?:工伤保险|社保)", False),
    (rf"(?<![没未有不])(?:缴纳了?|交了|加入了|参加了|买了|上了|办了){_INSURANCE}", True),
)


def may_leave(values: Values) -> bool:
    """Grades five to ten may end the contract with two further sums."""
    grade = values.get("grade")
    return isinstance(grade, int) and not isinstance(grade, bool) and grade >= 5


def injury(
    *,
    grade: int,
    wage: Decimal,
    local_wage: Decimal | None = None,
    treated: int = 0,
    care: str = "none",
    leaving: bool = False,
    insured: bool = True,
) -> Result | Doubt:
    """What is due after an injury at work with a grade.

    Args:
        grade: 1 (gravest) to 10.
        wage: mean monthly wage of the 12 months before the injury on which contributions were paid, yuan.
        local_wage: last year's mean monthly wage of the pooling area, yuan; None leaves floor, cap and nursing open.
        treated: months off work for treatment.
        care: a key of CARE.
        leaving: the contract ends, or the worker ends it.
        insured: the employer paid injury insurance.
    """
    doubt = doubt_count("grade", grade, 1, 10, "伤残等级") or doubt_count("treated", treated, 0, MOST_TREATMENT, "停工治疗的月数")
    if (doubt := doubt or doubt_wage("wage", wage)) is not None:
        return doubt
    steps, unknown = [], []
    base = wage
    if local_wage is None:
        unknown.append("统筹地区职工月平均工资（本人工资低于它60%、高于它300%的要调整）")
    else:
        low, high = local_wage * Decimal("0.6"), local_wage * 3
        base = min(max(wage, low), high)
        if base != wage:
            which = f"低于{say_money(local_wage)}的60%，按60%" if base == low else f"高于{say_money(local_wage)}的300%，按300%"
            steps.append(Step(f"本人工资{say_money(wage)}{which}即{say_money(base)}算", Citation(RULE, "第六十四条")))
    article = Citation(RULE, "第三十五条" if grade <= 4 else "第三十六条" if grade <= 6 else "第三十七条")
    total = base * ONE_OFF[grade]
    steps.append(Step(f"{grade}级一次性伤残补助金：{say_money(base)} × {ONE_OFF[grade]}个月 = {say_money(total)}", article, cents(total)))
    if grade in MONTHLY:
        monthly = base * MONTHLY[grade] / 100
        when = "按月发" if grade <= 4 else "单位难以安排工作的，按月发"
        steps.append(Step(f"伤残津贴{when}：{say_money(base)} × {MONTHLY[grade]}% = {say_money(monthly)}", article, cents(monthly)))
    if treated:
        pay = wage * treated
        more = "；超过12个月的部分要经鉴定委员会确认" if treated > 12 else ""
        steps.append(
            Step(
                f"停工留薪期{treated}个月，原工资不变：{say_money(wage)} × {treated} = {say_money(pay)}{more}",
                Citation(RULE, "第三十三条"),
                cents(pay),
            )
        )
    if NURSING[care]:
        if local_wage is None:
            steps.append(Step(f"护理费每月按统筹地区职工月平均工资的{NURSING[care]}%", Citation(RULE, "第三十四条")))
        else:
            nursing = local_wage * NURSING[care] / 100
            steps.append(
                Step(
                    f"护理费每月：{say_money(local_wage)} × {NURSING[care]}% = {say_money(nursing)}",
                    Citation(RULE, "第三十四条"),
                    cents(nursing),
                )
            )
    if grade >= 5 and leaving:
        when = "您本人提出解除或终止" if grade <= 6 else "合同到期终止或您本人提出解除"
        payer = ("（基金付）", "（单位付）") if insured else ("", "")
        sums = f"一次性工伤医疗补助金{payer[0]}和一次性伤残就业补助金{payer[1]}"
        steps.append(Step(f"{when}劳动关系时，另有{sums}，标准由省级政府定", article))
        unknown.append("本省一次性工伤医疗补助金、伤残就业补助金的标准")
    if not insured:
        steps.append(Step("单位没有参加工伤保险的，这些都由单位按条例的标准付", Citation(RULE, "第六十二条")))
    others = len(steps) - 1 - (base != wage) - (not insured)
    besides = f"，另有{say_number(Decimal(others))}项见下面" if others else ""
    return Result(
        f"{grade}级伤残，一次性伤残补助金约{say_money(total)}（{say_number(Decimal(ONE_OFF[grade]))}个月本人工资）{besides}",
        tuple(steps),
        amount=cents(total),
        assumptions=(
            "已经认定工伤并做了劳动能力鉴定",
            "本人工资是受伤前12个月平均月缴费工资" + ("，单位足额缴了费" if insured else "；单位没有参保，先按您说的工资当作应缴的工资"),
            *(("经劳动能力鉴定委员会确认需要生活护理；平均工资是上年度的",) if NURSING[care] else ()),
            *(("停工的月数都在评定等级以前：评级以后停发停工留薪期工资，改发伤残待遇",) if treated else ()),
        ),
        changes=(
            "还没有鉴定的，等级以鉴定结论为准",
            *(("单位少报缴费基数，差额可以向单位要",) if insured else ()),
            *(
                (f"以后{'自己提出离职' if grade <= 6 else '离职或者合同到期'}，另有一次性工伤医疗补助金和就业补助金",)
                if grade >= 5 and not leaving
                else ()
            ),
            *(("离开单位以后，按月的伤残津贴就没有了，改拿上面两笔一次性的钱",) if grade in (5, 6) and leaving else ()),
            *(("五级、六级又需要大部分或完全护理的很少见，请核对一下鉴定结论",) if grade in (5, 6) and care in ("most", "all") else ()),
            *(("本人工资低于本地职工月平均工资60%的，按60%算，会比这多",) if local_wage is None else ()),
            "医疗费、伙食补助等另外算",
        ),
        unknown=tuple(unknown),
        human="" if grade >= 5 else "一级至四级伤残涉及长期待遇，请人工坐席帮您逐项核对。",
    )


CALCULATION = Calculation(
    "injury",
    "工伤伤残待遇",
    (
        Field("grade", "伤残等级", "count", "鉴定的伤残等级是几级？还没鉴定的，可以先说一个等级看看。", unit="级", alone=True),
        Field("wage", "受伤前月平均工资（元）", "money", "受伤前12个月平均每月工资多少？", said=("工资", "月薪", "一个月", "每月")),
        Field(
            "treated",
            "停工治疗几个月",
            "count",
            "停工治疗了几个月？没有说“0个月”。",
            unit="个月",
            said=("住院", "治疗", "休养", "停工", "休息", "养伤"),
        ),
        Field("care", "是否需要护理", "choice", "生活能自理吗？", CARE, needed=is_severe),
        Field("leaving", "打算离职或合同到期", "yes", "合同到期或您打算离开这家单位吗？", needed=may_leave, hints=LEAVES),
        Field("insured", "单位交了工伤保险", "yes", "单位给您交工伤保险了吗？", hints=INSURED),
        Field(
            "local_wage",
            "统筹地区职工月平均工资（元）",
            "money",
            "知道本地上年度职工月平均工资吗？不知道就说“不知道”。",
            optional=True,
        ),
    ),
    injury,
)
