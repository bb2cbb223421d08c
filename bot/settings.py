"""One frozen set of settings, read once from the environment (NUANXIN_…).

A wrong value stops the start and is named with its key.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from bot.errors import SettingError
from bot.policy import BUNDLED_POLICY

BUNDLED_ENCODER = Path(__file__).resolve().parent / "models" / "static-zh-v3"
BUNDLED_CONTEXT = Path(__file__).resolve().parent / "models" / "context-zh-v3"
BUNDLED_RANKER = Path(__file__).resolve().parent / "models" / "ranker-zh-v1"


class Settings(BaseSettings):
    """Everything a deployment may choose; each key is NUANXIN_ and the field's name in capitals."""

    model_config = SettingsConfigDict(env_prefix="NUANXIN_", frozen=True)

    artifacts: Path = Path("artifacts")
    encoder: str = str(BUNDLED_ENCODER)
    context: str = str(BUNDLED_CONTEXT)
    ranker: Path = BUNDLED_RANKER
    database: str = "sqlite:///var/nuanxin.db"
    data_key: str = Field(default="", repr=False)
    host: str = "127.0.0.1"
    port: int = Field(default=8000, ge=0, le=65535)
    processes: int = Field(default=min(2, os.cpu_count() or 1) if hasattr(os, "fork") else 1, ge=1, le=64)
    longest_question: int = Field(default=2000, ge=50, le=20_000)
    choice_minutes: int = Field(default=10, ge=1, le=1440)
    policy: Path = BUNDLED_POLICY
    risk: float = Field(default=0.10, gt=0, le=1)
    frame_ancestors: str = "'self'"
    public_url: str = Field(default="", pattern=r"^$|^https?://[^/?#]+(/[^?#]*[^/?#])?$")
    hook_url: str = Field(default="", pattern=r"^$|^https?://")
    hook_secret: str = Field(default="", repr=False)
    retention_days: int = Field(default=0, ge=0)
    wechat_appid: str = ""
    wechat_token: str = Field(default="", repr=False)
    wechat_aes_key: str = Field(default="", repr=False)
    wechat_aes_key_previous: str = Field(default="", repr=False)
    wechat_mode: Literal["safe", "compat", "plain"] = "safe"
    wechat_secret: str = Field(default="", repr=False)
    wechat_api: str = "https://api.weixin.qq.com"
    wechat_transfer: bool = False
    wecom_corpid: str = ""
    wecom_token: str = Field(default="", repr=False)
    wecom_aes_key: str = Field(default="", repr=False)
    wecom_aes_key_previous: str = Field(default="", repr=False)
    wecom_secret: str = Field(default="", repr=False)
    wecom_api: str = "https://qyapi.weixin.qq.com"
    wecom_transfer: bool = False


def read_settings() -> Settings:
    """Settings from the environment.

    Raises:
        SettingError: a value cannot work; names each key, its value and what was wanted.
    """
    try:
        return Settings()
    except ValidationError as error:
        wrong = "; ".join(
            f"NUANXIN_{'_'.join(map(str, fault['loc'])).upper()}={_shown(fault['loc'], fault['input'])}: {fault['msg']}"
            for fault in error.errors()
        )
        raise SettingError(f"Settings that cannot work: {wrong}") from error


def _shown(place: tuple[int | str, ...], value: object) -> str:
    """A value for a message; a secret is not repeated."""
    name = str(place[0]) if place else ""
    return "(not shown)" if name.endswith(("_token", "_key", "_previous", "_secret")) else repr(value)
