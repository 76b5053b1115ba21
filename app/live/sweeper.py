"""The sweeper: it closes connections that are stuck, idle, too old, expired or revoked."""

import asyncio
import math
import time
from collections.abc import Awaitable, Iterable, Mapping
from dataclasses import replace
from typing import Protocol

import structlog

from app.db.core.outage import is_passing
from app.domain.access import Viewer
from app.live.socket import Socket
from app.live.stream import Stream

log = structlog.get_logger()

SWEEP_SECONDS = 0.4
SWEPT = 256
"""Connections that the sweeper looks at before other work runs."""
RECHECK_SECONDS = 2.0


class Rechecks(Protocol):
    """The part of an application's `Gate` that checks which viewers are still signed in, and their
    present rights."""

    def recheck(self, viewers: Iterable[Viewer], /) -> Awaitable[Mapping[Viewer, Viewer]]: ...


def connections(gate: Rechecks) -> list[Socket | Stream]:
    """The open connections of the application with this gate."""
    return [each for each in (*Socket.open, *Stream.open) if each.gate is gate]


async def sweep(gate: Rechecks) -> None:
    """Closes connections that are stuck, idle, too old, expired or revoked; never returns.

    A process may hold several applications: each sweeps its own connections.
    """
    failing = False
    while True:
        await asyncio.sleep(SWEEP_SECONDS)
        persons: dict[int, Viewer] = {}
        opened = connections(gate)
        for start in range(0, len(opened), SWEPT):
            persons |= _close_ended(opened[start : start + SWEPT])
            # Frames and requests go on between thousands of sockets.
            await asyncio.sleep(0)
        try:
            async with asyncio.timeout(RECHECK_SECONDS):
                current = await gate.recheck(set(persons.values()))
            failing = False
        except Exception as error:
            # While the database is unreachable no connection is closed; the next round checks
            # again.
            if not failing and not is_passing(error):
                log.warning("sweep.failing", error=error)
            failing = True
            continue
        if changed := _changed(persons, current):
            _replace_viewers(opened, changed)


def _close_ended(opened: Iterable[Socket | Stream]) -> dict[int, Viewer]:
    """Close the connections that are stuck, idle, too old or expired. Returns the viewers of the
    others, by the ids of their objects; most connections share theirs."""
    now, today = time.monotonic(), time.time()
    persons: dict[int, Viewer] = {}
    for each in opened:
        person = each.person
        if not _is_open(each):
            continue
        if each.stalled(now):
            each.abort()
        elif each.idle(now):
            each.dismiss(4408, "No operation for 60 s: connect again when you need to")
        elif now > each.until:
            each.dismiss(4403, "Connected for too long: connect again")
        elif person is not None and (person.expires_at or math.inf) <= today:
            each.dismiss(4403, "The token has expired")
        elif person is not None:
            persons[id(person)] = person
    return persons


def _changed(
    persons: Mapping[int, Viewer], current: Mapping[Viewer, Viewer]
) -> dict[int, Viewer | None]:
    """What replaces the viewers that are not as they were, by the ids of their objects; None for
    one that is not signed in any more.

    One object replaces equal viewers of one address, so that few are compared next time.
    """
    shared: dict[tuple[Viewer, str], Viewer] = {}
    changed: dict[int, Viewer | None] = {}
    for key, person in persons.items():
        viewer = current.get(person)
        if viewer is not None:
            viewer = person if viewer == person else replace(viewer, address=person.address)
            viewer = shared.setdefault((viewer, person.address), viewer)
        if viewer is not person:
            changed[key] = viewer
    return changed


def _replace_viewers(
    opened: Iterable[Socket | Stream], changed: Mapping[int, Viewer | None]
) -> None:
    """Give the connections their present viewers, and close those whose viewer has left."""
    for each in opened:
        key = id(each.person)
        # The viewers of others were replaced meanwhile, by another sweeper.
        if key not in changed or not _is_open(each):
            continue
        viewer = changed[key]
        if viewer is not None:
            # The connection sees a new store of the chain from now on.
            each.person = viewer
        else:
            each.dismiss(4403, "Forbidden")


def _is_open(each: Socket | Stream) -> bool:
    return each in Socket.open or each in Stream.open
