"""Use cases of categories: a tree in which the categories below one parent have different names."""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from uuid_utils.compat import uuid7

from app.db import categories as rows
from app.db.core.unit import Database, Unit
from app.db.tables import Category
from app.domain.access import Viewer
from app.domain.claims import claim
from app.domain.errors import (
    AlreadyTaken,
    Malformed,
    Refused,
    UnknownCategory,
    WrongState,
    WrongStateReason,
)
from app.domain.rules.texts import InvalidText, clean

LONGEST_NAME = 50
MOST_LEVELS = 10
SEPARATOR = re.compile(r"[/／]")


@dataclass(frozen=True, slots=True)
class CategoryChange:
    """What changes of a category. A new parent of None moves it to the top."""

    name: str | None = None
    moves: bool = False
    parent_id: UUID | None = None


async def create_category(
    db: Database, viewer: Viewer, key: UUID, name: str, parent_id: UUID | None = None
) -> Category:
    """Creates a category below its parent, or at the top.

    Raises Refused: AlreadyTaken, UnknownCategory; InvalidText, Malformed for too many levels.
    """
    name = read_name(name)
    category = Category(tenant_id=viewer.tenant, id=uuid7(), name=name, parent_id=parent_id)
    async with db.unit(viewer.tenant) as unit:
        # At the top it is the request of earlier versions: a retry still finds its claim.
        request = ("createCategory", name, *([parent_id] if parent_id else []))
        if earlier := await claim(unit, viewer.claimant, key, category.id, *request):
            [category] = await rows.categories_by_id(unit.session, unit.tenant, [earlier])
        else:
            tree = await rows.locked_categories(unit)
            _check_place(tree, category, parent_id)
            unit.session.add(category)
    return category


async def update_category(
    db: Database, viewer: Viewer, key: UUID, category_id: UUID, change: CategoryChange
) -> Category:
    """Renames a category, or moves it with everything below it.

    Raises Refused: UnknownCategory, AlreadyTaken, WrongState(OWN_SUBCATEGORY); InvalidText,
    Malformed for too many levels.
    """
    name = None if change.name is None else read_name(change.name)
    async with db.unit(viewer.tenant) as unit:
        request = ("updateCategory", category_id, name, change.moves, change.parent_id)
        earlier = await claim(unit, viewer.claimant, key, category_id, *request)
        tree = await rows.locked_categories(unit)
        category = _known(tree, category_id, "categoryId")
        if earlier is None:
            category.name = name or category.name
            parent_id = change.parent_id if change.moves else category.parent_id
            _check_place(tree, category, parent_id)
            category.parent_id = parent_id
    return category


def read_path(text: str, field: str) -> tuple[str, ...]:
    """The names of a path like 食品 / 饮料. Raises InvalidText, Malformed for too many levels."""
    names = tuple(read_name(name, field) for name in SEPARATOR.split(text))
    if len(names) > MOST_LEVELS:
        raise _too_deep(field)
    return names


async def open_path(unit: Unit, names: Sequence[str]) -> UUID | None:
    """The category at the end of the path; those that are missing are created. None for none."""
    return (await open_paths(unit, [names]))[tuple(names)] if names else None


async def open_paths(unit: Unit, paths: Collection[Sequence[str]]) -> dict[tuple[str, ...], UUID]:
    """The category at the end of each path; those that are missing are created."""
    if not paths:
        return {}
    tree = await rows.locked_categories(unit)
    ids = {(row.parent_id, row.name): row.id for row in tree.values()}
    ends: dict[tuple[str, ...], UUID] = {}
    for names in paths:
        parent: UUID | None = None
        for name in names:
            if (parent, name) not in ids:
                row = Category(tenant_id=unit.tenant, id=uuid7(), name=name, parent_id=parent)
                ids[parent, name] = row.id
                unit.session.add(row)
                # Each before those below it: the foreign key wants its parent.
                await unit.session.flush()
            parent = ids[parent, name]
        if parent is not None:
            ends[tuple(names)] = parent
    return ends


def read_name(text: str, field: str = "name") -> str:
    """The name of a category. Raises InvalidText, also for a slash: it separates names in paths."""
    name = clean(text, field, LONGEST_NAME, required=True)
    if SEPARATOR.search(name):
        raise InvalidText(field, "不能包含“/”", "must not contain a slash")
    return name


def _known(tree: Mapping[UUID, Category], category_id: UUID, field: str) -> Category:
    if category_id not in tree:
        raise Refused(UnknownCategory(str(category_id), path=(field,)))
    return tree[category_id]


def _check_place(tree: Mapping[UUID, Category], category: Category, parent_id: UUID | None) -> None:
    """Checks the category's name, and its place below this parent. Raises as the use cases do."""
    above = _above(tree, parent_id)
    if category.id in above:
        raise Refused(WrongState(WrongStateReason.OWN_SUBCATEGORY, path=("parentId",)))
    if len(above) + _height(tree, category.id) > MOST_LEVELS:
        raise _too_deep("parentId")
    for row in tree.values():
        if (row.parent_id, row.name) == (parent_id, category.name) and row.id != category.id:
            raise Refused(AlreadyTaken("name", category.name))


def _above(tree: Mapping[UUID, Category], parent_id: UUID | None) -> list[UUID]:
    """The parent and all above it, from below. Raises Refused(UnknownCategory)."""
    above: list[UUID] = []
    while parent_id is not None:
        above.append(parent_id)
        parent_id = _known(tree, parent_id, "parentId").parent_id
    return above


def _height(tree: Mapping[UUID, Category], category_id: UUID) -> int:
    """The levels of the category and of what is below it."""
    below = (row.id for row in tree.values() if row.parent_id == category_id)
    return 1 + max((_height(tree, child) for child in below), default=0)


def _too_deep(field: str) -> Malformed:
    return Malformed(
        field,
        f"分类最多 {MOST_LEVELS} 级",
        f"Categories have at most {MOST_LEVELS} levels.",
    )
