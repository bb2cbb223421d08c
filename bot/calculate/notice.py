"""提前通知: how many days before leaving or being sent away, and the first day on which it may end. 劳动合同法 37, 38, 39, 40, 41."""

from __future__ import annotations

from datetime import date, timedelta

from bot.calculate.months import say_day
from bot.calculate.values import Calculation, Doubt, Field, Result, Step
from knowledge.records import Citation

LAW = "劳动合同法"
WHO = (
    ("resign", "我自己辞职，过了试用期"),
    ("resign_probation", "我自己辞职，还在试用期"),
    ("resign_forced", "单位欠薪、不交社保等，我要走"),
    ("sent_no_fault", "单位以医疗期满、不胜任、客观情况大变辞退我"),
    ("sent_fault", "单位以严重违纪、试用期不合格等辞退我"),
    ("layoff", "单位裁员"),
)
_DAYS = {"resign": 30, "resign_probation": 3, "resign_forced": 0, "sent_no_fault": 30, "sent_fault": 0, "layoff": 30}
_STEPS = {
    "resign": ("转正后辞职，提前三十天书面通知单位就行，不用单位批准", "第三十七条"),
    "resign_probation": ("试用期内辞职，提前三天通知单位就行", "第三十七条"),
    "resign_forced": (
        "单位有欠薪、不缴社保等情形的，可以解除合同；被暴力、威胁、限制自由强迫劳动的，或者被强令冒险作业危及安全的，可以马上走，不用事先告知",
        "第三十八条",
    ),
    "sent_no_fault": ("单位要提前三十天书面通知，或者多付一个月工资", "第四十条"),
    "sent_fault": ("有第三十九条情形的（试用期不合格、严重违纪等），法律没有要求提前几天通知", "第三十九条"),
    "layoff": ("单位要提前三十天向工会或全体职工说明情况，听取意见，再把裁减方案报告劳动行政部门", "第四十一条"),
}
"""What the article says in our words, and its number."""


_OWN = ("双方可以商量早一点走", "签了服务期的，自己提前走可能要付违约金")
_CHANGES = {
    "resign": _OWN,
    "resign_probation": _OWN,
    "resign_forced": ("单位在您提出以前已经补上的，有的地方不支持经济补偿",),
    "sent_no_fault": (
        "双方可以商量早一点结束",
        "医疗期内、孕期产期哺乳期、患职业病或工伤并丧失、部分丧失劳动能力等，不能这样辞退（第四十二条）",
    ),
    "sent_fault": (
        "单位拿不出证据的（《劳动争议解释（一）》第四十四条），可能是违法解除",
        "有工会的，单位要事先把理由通知工会（第四十三条）；试用期解除的，要向您说明理由（第二十一条）",
    ),
    "layoff": (
        "人数够（二十人以上，或者占职工一成以上）、又有破产重整、严重困难、转产等情形的，才能这样裁人；"
        "不够的，单位要有第四十条的理由，逐人提前通知或者多付一个月工资",
        "医疗期内、孕期产期哺乳期、患职业病或工伤并丧失、部分丧失劳动能力、连续干满十五年又离退休不足五年等，不能这样裁（第四十二条）",
    ),
}
_ASSUMED = dict.fromkeys(("resign", "resign_probation"), "辞职用书面通知，并留好送达的凭证") | {
    "resign_forced": "除了被强迫劳动、强令冒险，还是要书面告诉单位您为什么走，并留好凭证",
    "sent_no_fault": "通知是书面的",
    "sent_fault": "单位的理由成立",
    "layoff": "“通知”是单位向工会或全体职工说明情况的那一天",
}


def notice(*, who: str, told: date) -> Result | Doubt:
    """Days of notice, and the last day of the notice.

    Args:
        who: a key of WHO.
        told: the day on which notice is given.
    """
    days, (text, article) = _DAYS[who], _STEPS[who]
    end = told + timedelta(days=days)
    steps = [Step(text, Citation(LAW, article))]
    if days:
        steps.append(Step(f"{say_day(told)}通知，过{days}天是{say_day(end)}", Citation(LAW, article)))
        headline = f"要提前{days}天；{say_day(told)}通知的，到{say_day(end)}期满"
    else:
        headline = "法律没有规定必须提前几天"
    if who == "resign_forced":
        steps.append(Step("因为这些情形走的，不算违反服务期约定，不用付违约金", Citation("劳动合同法实施条例", "第二十六条", "第一款")))
    return Result(
        headline,
        tuple(steps),
        day=end if days else None,
        count=days,
        unit="天",
        assumptions=(*(("通知当天不算在内",) if days else ()), _ASSUMED[who]),
        changes=_CHANGES[who],
    )


CALCULATION = Calculation(
    "notice",
    "提前几天通知",
    (
        Field("who", "谁提出、为什么", "choice", "是哪一种情况？", WHO, said=("辞职", "辞退", "裁员")),
        Field("told", "通知的日期", "date", "哪一天通知的（或打算哪一天通知）？", said=("通知", "提", "交")),
    ),
    notice,
)
