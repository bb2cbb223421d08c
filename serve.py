"""Settings, load, wire, run: the only place where the parts meet.

python serve.py [--artifacts DIR] [--host HOST] [--port PORT] [--processes COUNT] [--database URL]
python serve.py --ask "老板不发工资咋整"
"""

from __future__ import annotations

import argparse
import gc
import sys
import uuid
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from fastapi import APIRouter

from bot import counting, logs, processes, text
from bot import index as indexing
from bot.channels import answer_page, calculate, desk, wechat, wecom
from bot.desk.accounts import Accounts
from bot.desk.erase import Retention
from bot.desk.statistics import Statistics, count_tickets
from bot.desk.work import Desk
from bot.dialogue import Dialogue, utc_now
from bot.encoder import SentenceEncoder, load_context
from bot.errors import NuanxinError, SettingError
from bot.estimate import Estimate
from bot.handoff.clock import Clock
from bot.handoff.hooks import HookSender
from bot.handoff.intake import Intake
from bot.handoff.progress import Progress
from bot.handoff.tickets import Tickets
from bot.index import load
from bot.jobs import Job
from bot.match import Matcher
from bot.policy import VERY_WORDS, read_policy
from bot.procedure import Procedure
from bot.rank import load_ranker
from bot.server import create_app
from bot.settings import Settings, read_settings
from bot.store import Store
from bot.values import Message, Reply
from bot.weixin.account import make_account
from bot.weixin.client import show_typing, wechat_platform, wecom_platform
from bot.weixin.deliver import Deliverer
from bot.weixin.read_wecom import Reader
from bot.weixin.receive import Receiver

SWITCH_SECONDS = 0.001
"""A thread that works out an answer gives way after this time: the loop that takes requests must not wait for several of them."""


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Command line to values; what is left out comes from the settings."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--artifacts", type=Path)
    parser.add_argument("--host")
    parser.add_argument("--port", type=int)
    parser.add_argument("--processes", type=int)
    parser.add_argument("--database")
    parser.add_argument("--ask", help="answer one question in the shell and stop")
    return parser.parse_args(arguments)


def wire(settings: Settings) -> tuple[Dialogue, Matcher, Store]:
    """Load the encoder, the index and the database, and put them together."""
    text.prepare()
    indexing.use_one_thread()
    sys.setswitchinterval(SWITCH_SECONDS)
    encoder, context = SentenceEncoder(settings.encoder, threads=1), load_context(settings.context, threads=1)
    matcher = Matcher(load(settings.artifacts, encoder, context), encoder, load_ranker(settings.ranker), context)
    store = Store(settings.database, settings.data_key)
    matcher.match("预热一下", articles=1)
    gc.collect()
    gc.freeze()  # what is loaded stays: the collector need not walk it at every question
    policy = read_policy(settings.policy, settings.risk, context is not None)
    if policy.answer >= VERY_WORDS:
        print(f"没有第二个编码器，NUANXIN_RISK={settings.risk:g} 只答和题库一字不差的问题；设 0.15 以上就多答一些。", file=sys.stderr)
    tickets = Tickets(tells=bool(settings.hook_url))
    procedures: list[Procedure] = [Progress(tickets), Intake(tickets), Estimate()]
    return Dialogue(matcher, policy, store, settings.choice_minutes, procedures=procedures, tickets=tickets), matcher, store


def wechat_parts(settings: Settings, dialogue: Dialogue, store: Store) -> tuple[list[APIRouter], list[Job]]:
    """Routes and jobs of the channels whose settings are filled in.

    Raises:
        SettingError: they are filled in half, or wrong.
    """
    routers: list[APIRouter] = []
    jobs: list[Job] = []
    if settings.wechat_appid:
        account = make_account(
            settings.wechat_appid, settings.wechat_token, settings.wechat_aes_key, settings.wechat_aes_key_previous, settings.wechat_mode
        )
        can_push = bool(settings.wechat_secret)
        receiver = Receiver(account, dialogue, store, utc_now, settings.public_url, can_push, settings.wechat_transfer)
        jobs.append(Job("wechat-recover", 10.0, receiver.recover))
        if not can_push:
            routers.append(wechat.create_router(account, receiver))
        else:
            platform = wechat_platform(settings.wechat_appid, settings.wechat_secret, settings.wechat_api)
            typing = partial(show_typing, platform)
            routers.append(wechat.create_router(account, receiver, wechat.LIMIT_WITH_PUSH, show_typing=typing))
            jobs.append(Job("wechat-deliver", 1.0, Deliverer("wechat", store, platform, utc_now).run))
    if settings.wecom_corpid:
        corporation = make_account(
            settings.wecom_corpid, settings.wecom_token, settings.wecom_aes_key, settings.wecom_aes_key_previous, prefix="NUANXIN_WECOM"
        )
        if not settings.wecom_secret:
            raise SettingError("NUANXIN_WECOM_SECRET is empty: without it messages can neither be read nor answered.")
        platform = wecom_platform(settings.wecom_corpid, settings.wecom_secret, settings.wecom_api)
        reader = Reader(dialogue, store, platform, utc_now, settings.public_url, settings.wecom_transfer)
        routers.append(wecom.create_router(corporation, reader))
        jobs.append(Job("wecom-read", 300.0, reader.read_all))
        jobs.append(Job("wecom-deliver", 1.0, Deliverer("wecom", store, platform, utc_now).run))
    return routers, jobs


def desk_parts(settings: Settings, dialogue: Dialogue, matcher: Matcher, store: Store) -> tuple[list[APIRouter], list[Job]]:
    """The agents' desk and the jobs of the human side."""
    tickets = dialogue.tickets
    places = tickets.routing.places
    work = Desk(store, tickets, matcher.index, utc_now)
    statistics = Statistics(store, matcher.index, places, utc_now)
    accounts = Accounts(store, places, utc_now)
    counting.add_source(partial(count_tickets, store, utc_now))
    jobs = [Job("clock", 1.0, Clock(store, tickets, utc_now).run)]
    if settings.hook_url:
        jobs.append(Job("hooks", 1.0, HookSender(store, settings.hook_url, settings.hook_secret, utc_now).run))
    if settings.retention_days:
        jobs.append(Job("retention", 3600.0, Retention(store, settings.retention_days, utc_now).run))
    secure = settings.public_url.startswith("https://")
    return [desk.create_router(accounts, work, statistics, utc_now, secure)], jobs


def show(reply: Reply) -> str:
    """A reply as a shell shows it: the text, the law, the way on."""
    lines = [reply.text]
    if reply.basis:
        lines += ["", "依据：" + "；".join(f"《{b.law}》{b.article}" for b in reply.basis)]
    if reply.related:
        lines += ["", "相关问题：", *(f"  {number}. {choice.question}" for number, choice in enumerate(reply.related, start=1))]
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    """Command line entry."""
    logs.configure()
    chosen = parse(arguments)
    try:
        given = {name: value for name, value in vars(chosen).items() if value is not None and name != "ask"}
        settings = Settings.model_validate(read_settings().model_dump() | given)
        dialogue, matcher, store = wire(settings)
        routers, jobs = wechat_parts(settings, dialogue, store)
    except (NuanxinError, ValueError) as error:
        print(error, file=sys.stderr)
        return 1
    if chosen.ask:
        print(show(dialogue.reply(Message(chosen.ask, uuid.uuid4().hex, channel="shell"))))
        return 0
    desk_routers, desk_jobs = desk_parts(settings, dialogue, matcher, store)
    jobs += desk_jobs
    routers += [*desk_routers, answer_page.create_router(dialogue, matcher), calculate.create_router(utc_now)]
    app = create_app(dialogue, matcher, store, settings.longest_question, settings.frame_ancestors, routers, jobs)
    counts = matcher.index.manifest.counts
    print(
        f"暖心已就绪：http://{settings.host}:{settings.port}  "
        f"（{counts['entries']}题，{counts['wordings']}问法，{counts['articles']}条文，索引 {matcher.index.version}）",
        flush=True,
    )
    gc.freeze()  # a collection in a forked process would copy the pages it walks
    processes.serve(app, settings.host, settings.port, settings.processes, store.close)
    return 0


if __name__ == "__main__":
    sys.exit(main())
