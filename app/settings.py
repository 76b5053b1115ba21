"""Environment to one typed object: every KUCUN_ variable the program reads is a field here."""

import os
from pathlib import Path
from typing import Self

from pydantic import Field, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """What one process needs to know; secrets stay out of its repr."""

    model_config = SettingsConfigDict(env_prefix="KUCUN_", env_file=".env", extra="ignore")

    database_url: str = Field(default="", repr=False)
    """postgresql:// URL of the app's login; empty means the embedded PostgreSQL."""

    owner_url: str = Field(default="", repr=False)
    """postgresql:// URL that may change the schema; the database URL when not given."""

    redis_url: str = Field(default="", repr=False)
    """redis:// URL that carries nudges; empty means the embedded Valkey."""

    host: str = "127.0.0.1"
    port: int = Field(default=8000, ge=0, le=65535)

    data: Path = Path(".data")
    """Folder of the embedded engines and of the generated signing secret."""

    secret: str = Field(default="", repr=False)
    """Key that signs tokens; `kucun serve` generates and keeps one when it is empty."""

    former_secret: str = Field(default="", repr=False)
    """The key before, while it is being replaced: tokens it signed stay good."""

    processes: int = Field(default=1, ge=1, le=64)
    """Web processes that share the port."""

    jobs: bool = True
    """Whether the web processes run the jobs as well; `kucun work` runs nothing else."""

    douyin_url: str = "https://openapi-fxg.jinritemai.com"
    """The gateway of Douyin's shop platform."""

    wechat_url: str = "https://api.weixin.qq.com"
    """The host of WeChat's server API."""

    @model_validator(mode="after")
    def owner_falls_back(self) -> Self:
        self.owner_url = self.owner_url or self.database_url
        return self


def load() -> Settings:
    """Read the environment, `.env`, and the files of KUCUN_SECRETS_DIR when it is set."""
    return Settings(_secrets_dir=os.environ.get("KUCUN_SECRETS_DIR"))  # pyright: ignore[reportCallIssue] pydantic-settings
