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
_HANDED = {
    "asked": "好的，已经为您转给人工坐席。",
    "unclear": "这个问题我拿不准，不敢随便答复您，已经转给人工坐席。",
    "outside": "这个问题不在我能答的范围里，我不乱说，已经为您记下并转给人工坐席。",
    "fault": "抱歉，系统刚才出了点问题，没能查到答案。您的话已经记下，转给人工坐席处理。",
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
