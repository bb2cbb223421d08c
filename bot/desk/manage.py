"""Accounts of the desk from the shell; the first one must come from here.

python -m bot.desk.manage add NAME --shown 张三 --role agent --region 370102
python -m bot.desk.manage list | close NAME | open NAME | password NAME

The password is asked for, or read from the first line of what is piped in; never from the command line, where others see it.
"""

from __future__ import annotations

import argparse
import getpass
import sys
from collections.abc import Sequence

from bot.desk.accounts import ROLES, Accounts
from bot.dialogue import utc_now
from bot.errors import NuanxinError
from bot.handoff.places import bundled_places
from bot.settings import read_settings
from bot.store import Store


def _read_password() -> str:
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\n")
    password = getpass.getpass("密码：")
    if password != getpass.getpass("再输一次："):
        raise ValueError("两次输入的密码不一样。")
    return password


def main(arguments: Sequence[str] | None = None) -> int:
    """Command line entry."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    verbs = parser.add_subparsers(dest="verb", required=True)
    add = verbs.add_parser("add", help="a new account")
    add.add_argument("name")
    add.add_argument("--shown", default="", help="the name that workers see")
    add.add_argument("--role", choices=list(ROLES), default="agent")
    add.add_argument("--region", default=bundled_places().top.code, help="GB/T 2260 code of the office")
    verbs.add_parser("list", help="all accounts")
    for verb, what in (("close", "no more sign-in"), ("open", "sign-in again"), ("password", "a new password")):
        verbs.add_parser(verb, help=what).add_argument("name")
    chosen = parser.parse_args(arguments)
    try:
        settings = read_settings()
        places = bundled_places()
        accounts = Accounts(Store(settings.database, settings.data_key), places, utc_now)
        if chosen.verb == "add":
            agent = accounts.add(chosen.name, chosen.shown, _read_password(), chosen.role, chosen.region)
            print(f"已添加：{agent.name}（{agent.shown}，{ROLES[agent.role]}，{places.full_name(places.by_code[agent.region])}）")
            return 0
        known = accounts.all(places.top.code)
        if chosen.verb == "list":
            for agent in known:
                office = places.full_name(places.by_code[agent.region])
                print(f"{agent.name}\t{agent.shown}\t{ROLES[agent.role]}\t{office}\t{'启用' if agent.active else '停用'}")
            return 0
        found = next((agent for agent in known if agent.name == chosen.name), None)
        if found is None:
            print(f"没有这个账号：{chosen.name}", file=sys.stderr)
            return 2
        if chosen.verb == "password":
            accounts.change(found.id, password=_read_password())
        else:
            accounts.change(found.id, active=chosen.verb == "open")
        print("已修改。")
        return 0
    except (NuanxinError, ValueError) as error:
        print(error, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
