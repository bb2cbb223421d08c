"""时限: the last day for arbitration, court, recognition of an injury, a new assessment, inspection.

劳动争议调解仲裁法 27, 48, 50; 工伤保险条例 17, 26; 劳动保障监察条例 20; 民法典 201 and 203: calendar days, the first not counted.
"""

from __future__ import annotations

from datetime import date, timedelta

from bot.calculate.months import add_months, say_day
from bot.calculate.values import Calculation, Doubt, Field, Result, Step
from knowledge.records import Citation

ARBITRATION, INJURY, INSPECTION, CODE = "劳动争议调解仲裁法", "工伤保险条例", "劳动保障监察条例", "民法典"
MATTERS = (
    ("arbitration", "申请劳动仲裁（知道权利受侵害那天起）"),
    ("wages", "欠薪申请仲裁（离职那天起）"),
    ("court", "不服仲裁裁决，去法院起诉（收到裁决书那天起）"),
    ("injury_worker", "自己申请认定工伤（事故那天，或诊断、鉴定为职业病那天起）"),
    ("injury_employer", "单位申请认定工伤（事故那天，或诊断、鉴定为职业病那天起）"),
    ("assessment", "不服伤残鉴定，申请再次鉴定（收到结论那天起）"),
    ("inspection", "向劳动监察投诉（违法行为结束那天起）"),
)
_RULES: dict[str, tuple[int, int, str, Citation]] = {
    "arbitration": (12, 0, "申请仲裁的时效是一年", Citation(ARBITRATION, "第二十七条")),
    "wages": (12, 0, "在职期间欠薪不受一年限制；劳动关系终止的，从终止起一年内提出", Citation(ARBITRATION, "第二十七条")),
    "court": (0, 15, "收到裁决书十五日内可以起诉，过期不起诉的裁决书生效", Citation(ARBITRATION, "第五十条")),
    "injury_worker": (12, 0, "单位没有申请的，职工、近亲属、工会可以在一年内直接申请", Citation(INJURY, "第十七条")),
    "injury_employer": (0, 30, "单位应当在三十日内申请", Citation(INJURY, "第十七条")),
    "assessment": (0, 15, "收到鉴定结论十五日内可以向省级鉴定委员会申请再次鉴定", Citation(INJURY, "第二十六条")),
    "inspection": (24, 0, "两年内没有被发现、也没有被投诉的，不再查处", Citation(INSPECTION, "第二十条")),
}
"""Months, days, what the article says in our words, and the article."""
_BREAKS = {
    "arbitration": (
        "一年之内向单位要过、向有关部门投诉过、单位答应给的，从那时起重新计算一年",
        "因不可抗力等正当理由的，中止计算",
        "要的是工资、人还在职的，不受一年限制；离职的，从离职起一年（同条第四款）",
    ),
    "wages": ("一年之内向单位要过、向有关部门投诉过、单位答应给的，从那时起重新计算一年",),
    "court": ("一裁终局的裁决，劳动者不服的也是十五日",),
    "injury_worker": ("不是职工自己的原因耽误的时间，一般不算在内，请尽早申请",),
    "injury_employer": (
        "单位没有按时申请的，您、近亲属、工会从事故那天（或诊断、鉴定那天）起一年内可以直接申请（同条第二款），单位过了期不等于您不能申请",
        "有特殊情况经社保行政部门同意可以延长；单位逾期的，其间的费用由单位负担",
    ),
    "assessment": (),
    "inspection": ("违法行为一直持续的，从结束那天算",),
}


_BROKEN = "看起来已经过了时限，但可能有中断、中止的情形，请人工坐席帮您看看。"
_LATE = {
    "arbitration": _BROKEN,
    "wages": _BROKEN,
    "assessment": "看起来已经过了时限；鉴定结论作出一年后伤情有变化的，还可以申请复查鉴定（《工伤保险条例》第二十八条）。请人工坐席看看。",
}


def deadlines(*, matter: str, since: date, today: date) -> Result | Doubt:
    """The last day, and how many days are left.

    Args:
        matter: a key of MATTERS.
        since: the day from which it runs.
        today: the day of asking.
    """
    if since.year < 1995:
        return Doubt("since", f"是{say_day(since)}吗？麻烦您再说一遍从哪一天算起。")
    if since > today:
        return Doubt("since", f"{say_day(since)}还没有到，麻烦您再说一遍从哪一天算起。")
    months, days, text, basis = _RULES[matter]
    last = add_months(since, months) + timedelta(days=days)
    left = (last - today).days
    state = f"还有{left}天" if left > 0 else "今天是最后一天" if left == 0 else f"已经过了{-left}天"
    steps = [
        Step(text, basis),
        Step(f"开始的那一天不算，从{say_day(since)}的第二天算起，最后一天是{say_day(last)}；{state}", Citation(CODE, "第二百零一条")),
    ]
    if last.weekday() >= 5:
        rest = "星期六" if last.weekday() == 5 else "星期日"
        advice = "，也已经过了" if left < -7 else "；稳妥起见，赶在这一天以前办"
        steps.append(
            Step(
                f"{say_day(last)}是{rest}，按法定休假日处理的，顺延到休息后的第一天{advice}",
                Citation(CODE, "第二百零三条"),
            )
        )
    return Result(
        f"最后一天是{say_day(last)}，{state}",
        tuple(steps),
        day=last,
        count=left,
        unit="天",
        assumptions=(
            "起算的那一天就是您说的这天",
            "按自然日算；最后一天逢法定节假日（含调休放假）的，顺延到假后第一天（《民法典》第二百零三条），但最好提前办，别等",
        ),
        changes=_BREAKS[matter],
        human=_LATE.get(matter, "看起来已经过了时限，请人工坐席帮您看看还有没有别的办法。") if left < 0 else "",
    )


CALCULATION = Calculation(
    "deadlines",
    "还来不来得及：各种时限",
    (
        Field("matter", "哪一种时限", "choice", "您问的是哪一种时限？", MATTERS, said=("仲裁", "起诉", "认定", "鉴定", "投诉")),
        Field("since", "从哪一天算起", "date", "从哪一天算起？比如“2026年3月5日”。", said=("收到", "受伤", "离职", "知道", "事故")),
    ),
    deadlines,
)
