"""经济补偿与赔偿金: N, N+1, 2N, by why the contract ended.

劳动合同法 46 (when), 47 (how much), 40 (a month instead of notice), 87 (twice), 48; 实施条例 20, 25, 27.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from bot.calculate.doubts import doubt_span, doubt_wage
from bot.calculate.months import DAY, add_months, cents, full_months, say_day, say_money, say_number, say_span
from bot.calculate.values import Calculation, Doubt, Field, Result, Step, Values
from knowledge.records import Citation

LAW, RULES = "劳动合同法", "劳动合同法实施条例"
IN_FORCE = date(2008, 1, 1)
"""The law's first day: 第九十七条 counts compensation from here, and leaves what was before to the rules of then."""
CAP_WAGES, CAP_YEARS = 3, 12
REASONS = (
    ("no_reason", "公司辞退，没有正当理由（或怀孕、医疗期内等不能辞退时被辞退）"),
    ("agreed", "公司提出，双方协商好解除"),
    ("forced", "公司欠薪、不交社保等，我被迫辞职"),
    ("no_fault", "医疗期满、不胜任、客观情况大变，被公司辞退"),
    ("layoff", "裁员"),
    ("expired", "合同到期，公司不续或降低条件"),
    ("closed", "公司破产、关门、被吊销"),
    ("own", "我自己想走，或合同到期我不续"),
    ("fault", "公司说我严重违纪等，有证据"),
)
_WHEN = {
    "agreed": "第二项",
    "forced": "第一项",
    "no_fault": "第三项",
    "layoff": "第四项",
    "expired": "第五项",
    "closed": "第六项",
}


def is_no_fault(values: Values) -> bool:
    """Only then it matters whether notice was given."""
    return values.get("reason") == "no_fault"


def is_paid(values: Values) -> bool:
    """Whether anything is due for this reason."""
    return values.get("reason") not in ("own", "fault")


def severance(
    *,
    reason: str,
    start: date | None = None,
    end: date | None = None,
    wage: Decimal | None = None,
    notice: bool = True,
    local_wage: Decimal | None = None,
    today: date | None = None,
) -> Result | Doubt:
    """What the employer owes at the end of a contract.

    Args:
        reason: a key of REASONS.
        start, end: first and last day of work, both counted.
        wage: mean monthly wage of the last 12 months, yuan, before deductions.
        notice: 30 days' notice was given (for no_fault).
        local_wage: last year's mean monthly wage of the city, yuan; None where unknown.
        today: the day of asking; more than a year after the end the claim may be out of time.
    """
    if not is_paid({"reason": reason}):
        return _nothing(reason)
    if start is None or end is None or wage is None:
        raise TypeError("start, end and wage are needed for this reason")
    if (doubt := doubt_span("start", start, "end", end) or doubt_wage("wage", wage)) is not None:
        return doubt
    double = reason == "no_reason"
    begin = start if double else max(start, IN_FORCE)
    if end < begin:
        return Result(
            "这段工龄都在2008年以前，要按当时的规定算，这里算不了。",
            (Step("2008年1月1日以前的年限，按当时的规定执行。", Citation(LAW, "第九十七条")),),
            unknown=("2008年以前的补偿",),
            human="2008年以前的工龄，请人工坐席按当时的规定核对。",
        )
    months, days = full_months(begin, end + DAY)
    years = count_years(months, days)
    steps = [
        Step(
            f"从{say_day(begin)}到{say_day(end)}共{say_span(months, days)}："
            "每满一年算一个月工资，满六个月不满一年按一年，不满六个月按半个月，"
            f"合计{say_number(years)}个月工资",
            Citation(LAW, "第四十七条", "第一款"),
        )
    ]
    if double and start < IN_FORCE:
        steps.append(Step("违法解除的赔偿金，年限从用工那天算起，包括2008年以前", Citation(RULES, "第二十五条")))
    base, unknown = wage, []
    if local_wage is None:
        unknown.append("本地上年度职工月平均工资（月工资高过它三倍时要封顶）")
    elif wage > CAP_WAGES * local_wage:
        base = CAP_WAGES * local_wage
        capped = min(years, Decimal(CAP_YEARS))
        steps.append(
            Step(
                f"月工资{say_money(wage)}高于本地月平均工资{say_money(local_wage)}的三倍，按三倍{say_money(base)}算，最多算{CAP_YEARS}年，"
                f"即{say_number(capped)}个月",
                Citation(LAW, "第四十七条", "第二款"),
            )
        )
        years = capped
    total = base * years
    steps.append(Step(f"经济补偿：{say_money(base)} × {say_number(years)} = {say_money(total)}", Citation(LAW, "第四十七条"), cents(total)))
    label = f"经济补偿（{say_number(years)}个月工资）"
    if double:
        steps.append(
            Step(
                f"违法解除按经济补偿的二倍赔：{say_money(total)} × 2 = {say_money(total * 2)}",
                Citation(LAW, "第八十七条"),
                cents(total * 2),
            )
        )
        total, label = total * 2, f"赔偿金（2 × {say_number(years)}个月工资）"
    else:
        steps.insert(0, Step(f"“{dict(REASONS)[reason]}”，单位应当付经济补偿", Citation(LAW, "第四十六条", _WHEN[reason])))
    if reason == "no_fault" and not notice:
        steps.append(
            Step(
                f"没有提前三十天书面通知的，再付一个月工资（按上一个月的工资，这里先按{say_money(wage)}）",
                Citation(LAW, "第四十条"),
                cents(wage),
            )
        )
        total, label = total + wage, f"经济补偿加代通知金（{say_number(years)}+1个月工资）"
    human, late = "", today is not None and today > add_months(end, 12)
    if late:
        human = "离开已经超过一年，申请仲裁的时效（《劳动争议调解仲裁法》第二十七条）可能过了，也可能重新计算过，请人工坐席帮您看看。"
    if start < IN_FORCE and not double:
        human = f"2008年以前的工龄要按当时的规定另算，请人工坐席核对。{human}"
        unknown.append("2008年以前那段工龄的补偿")
    return Result(
        f"大约是{say_money(total)}：{label}" + ("，但离开已经超过一年，要先看时效" if late else ""),
        tuple(steps),
        amount=cents(total),
        assumptions=(
            "月工资按离开前12个月（不满12个月的按实际月数，实施条例第二十七条）的平均应发工资算，含奖金、津贴、加班费，不是到手数",
            "工作时间按您说的入职日和离职日连续计算，首尾两天都算",
        ),
        changes=(
            *(("您也可以不要赔偿金，要求回去继续上班，能继续履行的单位应当继续（《劳动合同法》第四十八条）",) if double else ()),
            "离开的原因认定不同，可能是一倍、二倍，也可能没有",
            *(
                ("医疗期满被辞退的，有的地方（如山东）还要付医疗补助费（《山东省劳动合同条例》第二十九条）",)
                if reason == "no_fault"
                else ()
            ),
            "平均工资高过本地月平均工资三倍的，要封顶",
            "单位安排换到关联公司、改签主体的，工龄可能要合并",
        ),
        unknown=tuple(unknown),
        human=human,
    )


def count_years(months: int, days: int) -> Decimal:
    """Months of wages for a length of service, by 第四十七条第一款."""
    years, rest = divmod(months, 12)
    extra = Decimal(1) if rest >= 6 else Decimal("0.5") if rest or days else Decimal(0)
    return years + extra


def _nothing(reason: str) -> Result:
    if reason == "own":
        step = Step("自己提出辞职、或者单位维持或者提高条件续签而自己不续的，不在应付经济补偿的情形里", Citation(LAW, "第四十六条"))
        change = "如果是因为单位欠薪、不交社保、不给劳动条件才走的，属于被迫辞职，可以要经济补偿"
    else:
        step = Step(
            "因严重违反规章、试用期不合格等被解除的（《劳动合同法》第三十九条），不在应付经济补偿的情形里", Citation(LAW, "第四十六条")
        )
        change = "单位拿不出证据、规章没公示、有工会而没通知的（第四十三条，起诉前可以补），可能是违法解除，要按二倍赔（第八十七条）"
    return Result(
        "按您说的情况，一般没有经济补偿（0元）",
        (step,),
        amount=Decimal("0.00"),
        assumptions=("离开的原因就是您说的这样",),
        changes=(change,),
        human="原因有争议的，最好请人工坐席看一看证据。",
    )


CALCULATION = Calculation(
    "severance",
    "经济补偿、赔偿金",
    (
        Field("reason", "离开的原因", "choice", "您是因为什么离开单位的？", REASONS, said=("辞退", "开除", "裁员", "到期", "辞职", "协商")),
        Field(
            "start",
            "入职日期",
            "date",
            "您是哪一天入职的？比如“2018年3月5日”。",
            needed=is_paid,
            said=("入职", "进厂", "进公司", "来公司", "上班", "干"),
        ),
        Field("end", "最后一天上班", "date", "最后上班到哪一天？", needed=is_paid, said=("离职", "辞退", "走", "解除", "到期", "不干")),
        Field(
            "wage",
            "月平均工资（元）",
            "money",
            "离开前12个月，平均每月应发多少钱（扣社保和税以前）？比如“5500”。",
            needed=is_paid,
            said=("工资", "月薪", "应发", "一个月", "每月"),
        ),
        Field("notice", "提前三十天通知了", "yes", "单位提前三十天书面通知您了吗？", needed=is_no_fault),
        Field(
            "local_wage",
            "本地上年度职工月平均工资（元）",
            "money",
            "知道本地上年度职工月平均工资是多少吗？工资很高时才用得上，不知道就说“不知道”。",
            optional=True,
            needed=is_paid,
        ),
    ),
    severance,
)
