"""Run a program that ends with the process that started it, optionally as another user.

`command` wraps a command line: this file, run as a script, changes user, requests a signal from
the kernel for the death of its parent, and becomes the program. It is a script instead of a
`preexec_fn`, because code between fork and exec is unsafe in a process with threads. The kernel
watches the parent's THREAD: start tethered programs from a thread that lives as long as the
process.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1
PR_SET_NAME = 15


def die_with_parent(death: signal.Signals, parent: int) -> None:
    """Have the kernel send `death` to this process when its parent dies.

    Exits at once if the parent is dead already. Raises OSError.
    """
    if ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, int(death)) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG)")
    # If the parent died between fork and prctl, the kernel never sends the signal.
    if os.getppid() != parent:
        sys.exit(f"parent {parent} is gone")


def die_with_current_parent(death: signal.Signals) -> None:
    """End this process together with its current parent."""
    die_with_parent(death, os.getppid())


def rename(name: str) -> None:
    """Set the name that `ps` and `top` show for this process; at most 15 bytes."""
    ctypes.CDLL(None).prctl(PR_SET_NAME, name.encode(), 0, 0, 0)


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
    # A change of user clears the death signal, so it is requested last.
    die_with_parent(signal.Signals(death), parent)
    os.umask(0o077)
    os.execv(program[0], program)


if __name__ == "__main__":
    parent, death, uid, gid = map(int, sys.argv[1:5])
    become(parent, death, uid, gid, sys.argv[5:])
