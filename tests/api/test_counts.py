"""Counts over HTTP that arrive at the same time."""

import asyncio
from uuid import uuid4

from tests.api.test_stocktakes import FIND, counted, line_of, opened
from tests.support.api import Desk


async def test_counts_that_arrive_together(desk: Desk) -> None:
    """They are written together; one that is refused does not refuse the others."""
    for name in ("米", "面"):
        await desk.receive(name, 5)
    row, other, key = await opened(desk, "米"), await opened(desk, "面"), str(uuid4())
    began = line_of(row, "米")["seq"]
    await desk.post("sell", ("米", 1))
    results = await asyncio.gather(
        *(counted(desk, row, ("米", 1)) for _ in range(5)),
        counted(desk, other, ("面", 2)),
        counted(desk, row, ("米", 2), key=key),
        counted(desk, row, ("米", 2), key=key, by=desk.manager),
        counted(desk, row, ("米", 3, {"startedAtSeq": began})),
        counted(desk, row, ("面", 1)),
        counted(desk, row, ("面", 4), by=desk.owner),
    )
    assert [each.get("wrong") for each in results[-2:]] == ["NOT_IN_STOCKTAKE"] * 2
    assert [each["state"] for each in results[:-2]] == ["OPEN"] * 9
    line = line_of(await desk.ask(FIND, id=row["id"]), "米")
    assert (line["counted"], line["interval"]) == ("10", {"low": "5", "high": "6"})
    answer = await desk.ask(FIND, id=other["id"])
    assert [each["quantity"] for each in line_of(answer, "面")["counts"]] == ["2"]
