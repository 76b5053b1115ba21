"""The settings of a process: every KUCUN_ variable that the program reads is a field here."""

import ipaddress
import os
import re
from pathlib import Path
from typing import Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

HOST_NAME = re.compile(r"(\*\.)?[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*")
BUCKET = re.compile(r"s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/[A-Za-z0-9._-]+)*/?")
TOKEN_CHARACTERS_MIN = 16
RATE_MIN = 100_000
"""A smaller budget would refuse single operations that a guest may send."""


class InvalidSettings(Exception):
    """A KUCUN_ variable that cannot be used; the text names it and says what is expected."""


class Settings(BaseSettings):
    """The settings of one process; its repr leaves out secrets."""

    model_config = SettingsConfigDict(
        env_prefix="KUCUN_", env_file=".env", extra="ignore", hide_input_in_errors=True
    )

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
    """The former key while the key is being replaced: tokens signed with it stay valid."""

    processes: int = Field(default=1, ge=1, le=64)
    """Web processes that share the port."""

    hosts: str = ""
    """Host names of the server, separated by commas; `*.example.com` covers every name below it.
    Empty: localhost and IP addresses."""

    proxies: str = ""
    """Addresses or networks of the reverse proxies, separated by commas; empty: none is trusted."""

    origins: str = ""
    """Origins of browser applications on other hosts, separated by commas; compared exactly."""

    connections_per_address: int = Field(default=2000, ge=1)
    """Websockets and event streams that one address may have open in one web process."""

    feeds_per_address: int = Field(default=1000, ge=1)
    """Different feeds that one address may follow in one web process; equal ones count once."""

    rate_guest: int = Field(default=12_000_000, ge=RATE_MIN)
    """Units a minute of a guest's address, and of a registered customer. A unit is about 1 µs."""

    rate_staff: int = Field(default=30_000_000, ge=RATE_MIN)
    """Units a minute of one member of staff."""

    rate_key: int = Field(default=60_000_000, ge=RATE_MIN)
    """Units a minute of one API key."""

    rate_tenant: int = Field(default=120_000_000, ge=RATE_MIN)
    """Units a minute of all staff and API keys of one tenant."""

    metrics_port: int = Field(default=0, ge=0, le=65535)
    """Port of the first web process's `/metrics`; the next process uses the next port. 0: none."""

    metrics_token: str = Field(default="", repr=False)
    """Bearer token for `/metrics` on the main port; empty: not served there."""

    jobs: bool = True
    """Whether `kucun serve` runs the jobs, in a worker of its own; else only `kucun work` does."""

    deadline_seconds: float = Field(default=5, gt=0)
    """How long a query or mutation may take before it is answered as UNAVAILABLE."""

    compiled_plans: bool = True
    """Whether compiled plans read variables and complete the values of root fields; false:
    graphql-core alone."""

    guest_documents: Literal["any", "own"] = "any"
    """Documents that guests may run: any, or only the server's own in `app/operations`."""

    graphiql: bool = True
    """Whether GraphiQL is served, and guests may read the schema by introspection."""

    public_url: str = ""
    """Scheme and host under which clients reach the server, for links to images; empty: as the
    request says."""

    image_store: str = ""
    """`s3://bucket/folder` where uploaded images are kept; empty: a folder below `data`."""

    s3_endpoint: str = ""
    """URL of an S3-compatible service; empty: AWS."""

    s3_region: str = "us-east-1"
    s3_access_key: str = Field(default="", repr=False)
    s3_secret_key: str = Field(default="", repr=False)

    private_hosts: str = ""
    """Hosts in the operator's own network that webhooks and messages may reach, also by http,
    separated by commas. All others need https and a public address."""

    douyin_url: str = "https://openapi-fxg.jinritemai.com"
    """The gateway of Douyin's shop platform."""

    wechat_url: str = "https://api.weixin.qq.com"
    """The host of WeChat's server API."""

    douyin_login_url: str = "https://developer.toutiao.com"
    """The host of Douyin's sign-in."""

    douyin_open_url: str = "https://open.douyin.com"
    """The host of Douyin's open platform, which gives phone numbers."""

    aliyun_sms_url: str = "https://dysmsapi.aliyuncs.com"
    """The endpoint of Aliyun's SMS."""

    tencent_sms_url: str = "https://sms.tencentcloudapi.com"
    """The endpoint of Tencent Cloud's SMS."""

    @property
    def private_host_names(self) -> frozenset[str]:
        """The hosts of `private_hosts`."""
        return frozenset(listed(self.private_hosts))

    @field_validator("hosts")
    @classmethod
    def hosts_are_names(cls, value: str) -> str:
        """The names in lower case, Chinese names as they are sent (`xn--…`)."""
        return ",".join(_host(name) for name in listed(value))

    @field_validator("proxies")
    @classmethod
    def proxies_are_networks(cls, value: str) -> str:
        return ",".join(str(ipaddress.ip_network(each)) for each in listed(value))

    @field_validator("origins")
    @classmethod
    def origins_are_exact(cls, value: str) -> str:
        return ",".join(_origin(each) for each in listed(value))

    @field_validator("public_url")
    @classmethod
    def public_url_is_exact(cls, value: str) -> str:
        return _origin(value) if value else ""

    @field_validator("image_store")
    @classmethod
    def image_store_is_a_bucket(cls, value: str) -> str:
        if value and not BUCKET.fullmatch(value):
            raise ValueError(f"{value} is not a bucket: write it like s3://images/products")
        return value

    @field_validator("metrics_token")
    @classmethod
    def token_is_long_enough(cls, value: str) -> str:
        if value and len(value) < TOKEN_CHARACTERS_MIN:
            raise ValueError(f"give at least {TOKEN_CHARACTERS_MIN} characters")
        return value

    @model_validator(mode="after")
    def owner_falls_back(self) -> Self:
        self.owner_url = self.owner_url or self.database_url
        return self


def listed(value: str) -> list[str]:
    """The parts of a setting that holds several values separated by commas."""
    return [part.strip() for part in value.split(",") if part.strip()]


def _host(name: str) -> str:
    try:
        ascii_name = name if name.isascii() else name.encode("idna").decode()
    except UnicodeError:
        ascii_name = ""
    if not HOST_NAME.fullmatch(ascii_name.lower()):
        raise ValueError(f"{name} is not a host name: write it without scheme and port")
    return ascii_name.lower()


def _origin(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or text != f"{parts.scheme}://{parts.netloc.lower()}":
        raise ValueError(f"{text} is not an origin: write it like https://office.example.com")
    return text


def load() -> Settings:
    """Read the environment, `.env`, and the files of KUCUN_SECRETS_DIR when it is set.

    Raises InvalidSettings.
    """
    try:
        return Settings(_secrets_dir=os.environ.get("KUCUN_SECRETS_DIR"))  # pyright: ignore[reportCallIssue] pydantic-settings
    except ValidationError as error:
        lines = [
            f"设置有误 / invalid setting KUCUN_{'_'.join(map(str, each['loc'])).upper()}: "
            + each["msg"].removeprefix("Value error, ")
            for each in error.errors(include_url=False)
        ]
        raise InvalidSettings("\n".join(lines)) from None
