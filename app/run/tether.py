"""Run a program that dies with the process that started it, optionally as another user.

`command` wraps a command line: this file, run as a script, changes user, asks the kernel for a
signal at the parent's death and becomes the program. A script and not `preexec_fn`, because code
between fork and exec is unsafe in a process with threads. The kernel watches the parent's
THREAD: start tethered programs from a thread that lives as long as the process.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def die_with_parent(death: signal.Signals, parent: int) -> None:
    """Have the kernel send us `death` when our parent dies; exit at once if it already has."""
    if ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, int(death)) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG)")
    # The parent may have died between our fork and prctl; then no signal will ever come.
    if os.getppid() != parent:
        sys.exit(f"parent {parent} is gone")


def die_with_current_parent(death: signal.Signals) -> None:
    """Tie this process to whoever runs it now."""
    die_with_parent(death, os.getppid())


def command(death: signal.Signals, user: tuple[int, int] | None, *program: str) -> list[str]:
    """The command line that runs `program` tethered to this process, as (uid, gid) if given."""
    uid, gid = user or (-1, -1)
    script = [sys.executable, "-I", "-S", os.path.abspath(__file__)]
    return [*script, str(os.getpid()), str(int(death)), str(uid), str(gid), *program]


def become(parent: int, death: int, uid: int, gid: int, program: list[str]) -> None:
    """Replace this process by `program`."""
    if uid >= 0:
        os.setgroups([])
        os.setgid(gid)
        os.setuid(uid)
    # A change of user clears the death signal, so it is asked for last.
    die_with_parent(signal.Signals(death), parent)
    os.umask(0o077)
    os.execv(program[0], program)


if __name__ == "__main__":
    parent, death, uid, gid = map(int, sys.argv[1:5])
    become(parent, death, uid, gid, sys.argv[5:])
