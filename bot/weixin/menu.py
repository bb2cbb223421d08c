"""The three fixed items at the bottom of the official account: printed, or created on the platform.

python -m bot.weixin.menu            # prints the menu
python -m bot.weixin.menu --create   # creates it (NUANXIN_WECHAT_APPID and NUANXIN_WECHAT_SECRET)
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence

from bot.errors import SettingError
from bot.settings import read_settings
from bot.weixin.client import PlatformError, create_menu, wechat_platform
from bot.weixin.receive import MENU


def buttons() -> list[dict[str, str]]:
    """One button a key; a click comes back as an event with the key."""
    return [{"type": "click", "name": words, "key": key} for key, words in MENU.items()]


def main(arguments: Sequence[str] | None = None) -> int:
    """Command line entry."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--create", action="store_true")
    chosen = parser.parse_args(arguments)
    print(json.dumps({"button": buttons()}, ensure_ascii=False, indent=1))
    if not chosen.create:
        return 0
    try:
        settings = read_settings()
        if not settings.wechat_appid or not settings.wechat_secret:
            raise SettingError("NUANXIN_WECHAT_APPID and NUANXIN_WECHAT_SECRET are needed to create the menu.")
        create_menu(wechat_platform(settings.wechat_appid, settings.wechat_secret, settings.wechat_api), buttons())
    except (SettingError, PlatformError) as error:
        print(error, file=sys.stderr)
        return 1
    print("菜单已创建。", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
