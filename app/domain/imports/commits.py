"""Commits: the rows of a preview are kept, and a worker writes them step by step.

A step plans its rows again, so that a row that is written already changes nothing; each write has
a key that is derived from the import and the row, so that two workers write it once.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, cast
from uuid import UUID, uuid5

from app.db import claims, identity
from app.db import imports as rows
from app.db.core.snapshot import Reads
from app.db.core.unit import Database, Unit
from app.db.stock import entries_of
from app.db.tables import Import
from app.domain import access
from app.domain.access import Role, Scope, Viewer
from app.domain.catalog.images import Images
from app.domain.claims import claim, fingerprint_of
from app.domain.errors import Malformed, Refusal, Refused
from app.domain.import_errors import ImportFault, ImportRefused, UnknownImport
from app.domain.imports.files import read_token
from app.domain.imports.openings import terms_of
from app.domain.imports.previews import PERMISSIONS, plan, preview
from app.domain.imports.recipes import write_recipes
from app.domain.imports.sheets import Planned, Row, RowError
from app.domain.imports.suppliers import save_suppliers
from app.domain.imports.writing import FAILED, Finish, save_rows
from app.domain.movements.lines import PlainLine
from app.domain.movements.record import Books, MovementHead, record
from app.domain.rules.import_columns import ImportKind
from app.domain.rules.kinds import Kind
from app.domain.rules.texts import InvalidText

STEP = 250
"""Rows of one step, but for the rows of one product, which stay together."""

LEASE = timedelta(seconds=60)
MOST_FAILURES = 1000
WHOLE_PRODUCTS = (ImportKind.OPENING_STOCK, ImportKind.RECIPES)
"""Kinds of which the rows of a product are written together, in one step."""


class Overtaken(Exception):
    """Another worker has written the step."""


async def commit_import(
    db: Database, viewer: Viewer, files: Images, token: str, key: UUID, good_rows_only: bool
) -> Import:
    """The import that a worker does now; the same token is the same import.

    Raises Refused: UnknownImport, ImportRefused(HAS_ERRORS), KeyReused; as `preview` does.
    """
    request, _ = read_token(files, viewer.tenant, token)
    shown, planned = await preview(db, viewer, files, request)
    if shown.counts["FAULTY"] and not good_rows_only:
        raise Refused(ImportRefused(ImportFault.HAS_ERRORS))
    good = [each for each in planned if each.action != "FAULTY"]
    # The rows of one product are in one step.
    good.sort(key=lambda each: (str(each.product_id), each.row.number))
    id = uuid5(viewer.tenant, fingerprint_of(token).hex())
    store = request.store or min(viewer.stores, default=None)
    row = {
        "tenant_id": viewer.tenant,
        "id": id,
        "kind": request.kind.name,
        "store_id": request.store,
        "requested_by": viewer.actor,
        "role": viewer.scope.role.name,
        "scopes": sorted(viewer.scope.scopes),
        "own_stores": sorted(viewer.scope.own),
        "headers": shown.request.own,
        "lines": [_kept_line(each) for each in good],
        "rows": len(good),
        "feed_store": store,
    }
    async with db.unit(viewer.tenant) as unit:
        name = "commitImport"
        await claim(unit, viewer.claimant, key, id, name, token, good_rows_only)
        await rows.add(unit, row)
        announce(unit, store, id)
        saved = await rows.import_by_id(unit.session, unit.tenant, id)
    assert saved is not None
    return saved


def announce(unit: Unit, store: UUID | None, id: UUID) -> None:
    """Announces the import in the feed of its store."""
    if store is not None:
        unit.document_changed(store, id)


async def get_import(reads: Reads, viewer: Viewer, id: UUID) -> Import:
    """An import that the viewer may see. Raises Refused(UnknownImport)."""
    async with reads.read(viewer.tenant) as session:
        row = await rows.import_by_id(session, viewer.tenant, id)
    if row is None or not _sees(viewer, row):
        raise Refused(UnknownImport(str(id)))
    return row


def _sees(viewer: Viewer, row: Import) -> bool:
    """Whether the viewer may import this kind, in the store of the import if it has one."""
    can = PERMISSIONS[ImportKind[row.kind]]
    if row.store_id is not None:
        return bool(access.within(viewer, can, [row.store_id]))
    return viewer.scope.reach(can) is not None


async def run_imports(books: Books, tenant: UUID) -> None:
    """Writes the rows of the tenant's imports that no other worker holds."""
    while True:
        async with books.db.read(tenant) as session:
            if not await rows.has_work(session, tenant):
                return
        async with books.db.unit(tenant) as unit:
            row = await rows.take(unit, LEASE)
        if row is None:
            return
        await _run(books, row)


async def _run(books: Books, row: Import) -> None:
    """Writes the rows from the first that is not done; ends when another worker goes on."""
    viewer = await _requester(books.db, row)
    done, counts = row.done, Counter(created=row.created, changed=row.changed)
    counts["unchanged"] = row.unchanged
    failures, movements = list(row.failures), list(row.movements)
    while True:
        step = _step_of(row, done)
        after = done + len(step)

        async def finish(
            unit: Unit,
            planned: list[Planned],
            step: Sequence[Row] = step,
            begun: int = done,
            after: int = after,
        ) -> None:
            nonlocal movements
            counts.update(each.action.lower() for each in planned)
            failures.extend(_kept(error) for each in planned for error in each.errors)
            values: dict[str, Any] = {
                **{name: counts[name] for name in ("created", "changed", "unchanged")},
                "done": after,
                "leased_until": unit.now + LEASE,
                "failures": failures[:MOST_FAILURES],
            }
            if after == row.rows:
                values |= {"finished_at": unit.now, "lines": []}
            if row.kind == ImportKind.OPENING_STOCK.name and step:
                movement = await claims.claim_of(
                    unit.session, unit.tenant, viewer.claimant, opening_key(row, step)
                )
                movements = [*movements, *([movement.result_id] if movement else [])]
                values["movements"] = movements
            if not await rows.advance(unit, row, begun, **values):
                raise Overtaken
            announce(unit, row.feed_store, row.id)

        try:
            await _write(books, viewer, row, step, finish)
        except Overtaken:
            return
        done = after
        if done == row.rows:
            return


def _kept(error: RowError) -> list[Any]:
    return [error.row, error.field, *error.text]


def _kept_line(planned: Planned) -> list[Any]:
    product = planned.product_id and str(planned.product_id)
    return [planned.row.number, dict(planned.row.texts), product]


def _step_of(row: Import, done: int) -> Sequence[Row]:
    """The rows of the next step."""
    lines = cast(list[list[Any]], row.lines)
    end = min(done + STEP, len(lines))
    if ImportKind[row.kind] in WHOLE_PRODUCTS:
        # Lines of an earlier version do not name their product.
        while end < len(lines) and any(lines[end][2:]) and lines[end][2:] == lines[end - 1][2:]:
            end += 1
    return [Row(number, texts) for number, texts, *_ in lines[done:end]]


async def _requester(db: Database, row: Import) -> Viewer:
    """Who requested the import, with the rights of that time."""
    async with db.read(row.tenant_id) as session:
        stores = await identity.store_ids(session, row.tenant_id)
    scope = Scope(row.tenant_id, Role[row.role], frozenset(row.scopes), frozenset(row.own_stores))
    return Viewer(scope, row.requested_by, "", stores)


async def _write(
    books: Books, viewer: Viewer, row: Import, step: Sequence[Row], finish: Finish
) -> None:
    """Writes the step's rows. Rows of the catalog and suppliers are written in the unit of
    `finish`; opening stock and recipes before it, under keys."""
    kind = ImportKind[row.kind]
    if kind is ImportKind.SUPPLIERS:
        await save_suppliers(books.db, viewer.tenant, step, finish)
        return
    if kind not in WHOLE_PRODUCTS:
        await save_rows(books.db, viewer, kind, row.store_id, step, finish)
        return
    async with books.db.read(viewer.tenant) as session:
        planned = await plan(session, viewer, kind, row.store_id, step)
    if kind is ImportKind.RECIPES:
        planned = await write_recipes(books.db, viewer, row.id, planned)
    else:
        planned = await _opened(books, viewer, row, planned)
    async with books.db.unit(viewer.tenant) as unit:
        await finish(unit, planned)


@dataclass(frozen=True, slots=True)
class OpeningLine(PlainLine):
    """A line of opening stock, with what it cost and the batch it is of."""

    unit_cost: int | None = None
    produced_on: Any = None


def _opening_line(planned: Planned) -> OpeningLine:
    terms, given = terms_of(planned.row), planned.row.measure("QUANTITY")
    assert given is not None, "checked by the plan"
    return OpeningLine(
        planned.product_id,
        given.number,
        unit=given.unit,
        batch_no=terms.number,
        expires_on=terms.expires_on,
        unit_cost=terms.unit_cost,
        produced_on=terms.produced_on,
    )


def opening_key(row: Import, step: Sequence[Row]) -> UUID:
    """The key of the movement that a step posts."""
    return uuid5(row.id, f"opening {step[0].number}")


def _created(planned: Planned) -> Planned:
    return planned._replace(action="CREATED") if planned.action == "UNCHANGED" else planned


async def _opened(
    books: Books, viewer: Viewer, row: Import, planned: list[Planned]
) -> list[Planned]:
    """Posts the step's opening stock as one movement, once; what was done with each row."""
    key = opening_key(row, [each.row for each in planned])
    async with books.db.read(viewer.tenant) as session:
        posted = await claims.claim_of(session, viewer.tenant, viewer.claimant, key)
        entries = await entries_of(session, viewer.tenant, [posted.result_id]) if posted else ()
    if entries:
        # A worker was killed after it posted the step: its rows are unchanged by now.
        products = {each.product_id for each in entries}
        return [_created(each) if each.product_id in products else each for each in planned]
    new = [each for each in planned if each.action == "CREATED"]
    if not new:
        return planned
    assert row.store_id is not None, "checked with the request"
    head = MovementHead(key)
    lines = [_opening_line(each) for each in new]
    try:
        outcome = await record(books, viewer, Kind.OPENING, row.store_id, lines, head)
    except (Refused, Malformed, InvalidText):
        outcome = None
    if outcome is not None and not isinstance(outcome, Refusal):
        return planned
    return [
        each
        if each.action != "CREATED"
        else each._replace(action="FAULTY", errors=(RowError(each.row.number, None, FAILED),))
        for each in planned
    ]
