"""Every sentence of ours that a worker reads; answers themselves come from the bank, word for word.

Knows no model, no store and no channel.
"""

from __future__ import annotations

from collections.abc import Sequence

from bot.values import Choice, Reason
from knowledge.records import Entry

NO_ANSWER_YET = "这个问题题库里有，但还没有写好经过审核的答案。需要的话请回复“转人工”，由工作人员答复您。"
PICK_GONE = "您选的序号已经失效了，麻烦您把问题再说一遍，我重新帮您找。"
STORE_DOWN = "系统正忙，刚才的话可能没有存下来。请过一会儿再发一次，急事请直接拨打12351。"
RELATED = "您可能还想问："
PHONE_END = "答得对，回复“有用”；没答上，回复“没用”。随时回复“转人工”找坐席。"
THANKS = "谢谢，您的反馈已记下。还有别的事，直接问我就行。"
SORRY = "记下了，我们会改进。您可以换个说法再问一次，或者回复“转人工”，由工作人员答复您。"
WELCOME = (
    "您好，我是暖心，工会的问答助手。工资、合同、工伤、社保、休假……遇到什么事直接说给我听，"
    "我从审核过的题库里找答案，并写明依据；拿不准的，我转给人工。\n\n"
    "比如您可以问：\n· 老板不发工资怎么办\n· 没签劳动合同能要双倍工资吗\n· 上班路上出车祸算工伤吗\n\n"
    "随时回复“转人工”找坐席。急事请直接拨打12351。"
)
COMMON = (
    "大家常问的有这些，您照着发一句，或者用自己的话说：\n· 老板不发工资怎么办\n· 没签劳动合同怎么办\n· 被辞退能赔多少钱\n"
    "· 上班受伤怎么认定工伤\n· 年假没休怎么算钱\n· 单位不给交社保怎么办\n\n随时回复“转人工”找坐席。"
)
COMPLAIN = "您想反映什么事？请用一两句话说说：哪家单位、在哪个地方、怎么回事。"
NOT_WORDS = {
    "voice": "这段语音没能转成文字，麻烦您打字说，或者回复“转人工”。",
    "image": "图片收到了，已为您留存。我看不懂图里的内容，麻烦您用一句话说说遇到了什么事，或者回复“转人工”。",
    "video": "视频收到了，已为您留存。我看不懂里面的内容，麻烦您用一句话说说遇到了什么事，或者回复“转人工”。",
    "location": "位置收到了。您遇到了什么事？用一句话说给我听，或者回复“转人工”。",
    "link": "链接收到了，我打不开外面的网页。麻烦您用一句话说说想问什么，或者回复“转人工”。",
    "file": "文件收到了，已为您留存。我看不懂里面的内容，麻烦您用一句话说说遇到了什么事，或者回复“转人工”。",
    "other": "这类消息我看不懂，麻烦您用文字说，或者回复“转人工”。",
}
_HANDED = {
    "asked": "好的，已经为您转给人工坐席。",
    "unclear": "这个问题我拿不准，不敢随便答复您，已经转给人工坐席。",
    "outside": "这个问题不在我能答的范围里，我不乱说，已经为您记下并转给人工坐席。",
    "fault": "抱歉，系统刚才出了点问题，没能查到答案。您的话已经记下，转给人工坐席处理。",
    "complaint": "您反映的事已经登记。",
    "phone": "坐席已经为您登记。",
    "urgent": "您的情况已经同时转给人工坐席，会优先处理。",
}


def say_answer(entry: Entry) -> str:
    """The approved answer, word for word."""
    return entry.answer or entry.short or NO_ANSWER_YET


def say_choices(choices: Sequence[Choice]) -> str:
    """Near questions to choose from by number."""
    lines = [f"{number}. {choice.question}" for number, choice in enumerate(choices, start=1)]
    opening = "您想问的是下面哪一个？回复序号就行：" if len(choices) > 1 else "您想问的是这个吗？是的话回复1："
    return "\n".join([opening, *lines, "都不是的话，换个说法再问一次，或者回复“转人工”。"])


def say_handoff(reason: Reason, number: str) -> str:
    """That a human takes over, and the ticket's number."""
    return f"{_HANDED[reason]}工单号 {number}。急事请直接拨打12351。"


def say_next(steps: Sequence[str]) -> str:
    """What to do next, numbered where there is more than one."""
    if len(steps) == 1:
        return f"下一步：{steps[0]}"
    return "\n".join(["下一步：", *(f"{number}. {step}" for number, step in enumerate(steps, start=1))])


def say_page(address: str) -> str:
    """Where the whole answer stands."""
    return f"详细说明：{address}"
