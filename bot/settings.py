"""One frozen set of settings, read once from the environment (NUANXIN_…).

A wrong value stops the start and is named with its key.
"""

from __future__ import annotations

from pathlib import Path

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from bot.errors import SettingError
from bot.policy import BUNDLED_POLICY

BUNDLED_ENCODER = Path(__file__).resolve().parent / "models" / "static-zh-v2"
BUNDLED_RANKER = Path(__file__).resolve().parent / "models" / "ranker-zh-v1"


class Settings(BaseSettings):
    """Everything a deployment may choose; each key is NUANXIN_ and the field's name in capitals."""

    model_config = SettingsConfigDict(env_prefix="NUANXIN_", frozen=True)

    artifacts: Path = Path("artifacts")
    encoder: str = str(BUNDLED_ENCODER)
    ranker: Path = BUNDLED_RANKER
    database: str = "sqlite:///var/nuanxin.db"
    host: str = "127.0.0.1"
    port: int = Field(default=8000, ge=0, le=65535)
    longest_question: int = Field(default=2000, ge=50, le=20_000)
    choice_minutes: int = Field(default=10, ge=1, le=1440)
    policy: Path = BUNDLED_POLICY
    risk: float = Field(default=0.10, gt=0, le=1)
    frame_ancestors: str = "'self'"


def read_settings() -> Settings:
    """Settings from the environment.

    Raises:
        SettingError: a value cannot work; names each key, its value and what was wanted.
    """
    try:
        return Settings()
    except ValidationError as error:
        wrong = "; ".join(
            f"NUANXIN_{'_'.join(map(str, fault['loc'])).upper()}={fault['input']!r}: {fault['msg']}" for fault in error.errors()
        )
        raise SettingError(f"Settings that cannot work: {wrong}") from error
