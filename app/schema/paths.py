"""Paths of problems: which part of the arguments a refusal is about."""

from collections.abc import Iterator, Mapping
from dataclasses import is_dataclass, replace
from typing import Any
from uuid import UUID

from strawberry.utils.str_converters import to_camel_case

from app.domain import errors
from app.domain.errors import Refusal
from app.schema.window import definition

Path = tuple[str, ...]


def with_path(answer: Any, values: Any, *prefix: str) -> Any:
    """A refusal with its path, which begins with `prefix`; any other answer as it is.

    The path that the domain gives comes first. Without one, the refused value is looked up in
    `values`: an input, or arguments by name.
    """
    if not isinstance(answer, Refusal):
        return answer
    path = answer.path if answer.path is not None else _located(answer, dict(_leaves(values)))
    return answer if path is None else replace(answer, path=(*prefix, *path))


def _leaves(value: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Every leaf value of the arguments, with its path."""
    if isinstance(value, Mapping):
        for name, below in value.items():
            yield from _leaves(below, (*path, to_camel_case(name)))
    elif isinstance(value, list):
        for position, below in enumerate(value):
            yield from _leaves(below, (*path, str(position)))
    elif is_dataclass(value):
        for field in definition(type(value)).fields:
            name = field.graphql_name or to_camel_case(field.python_name)
            yield from _leaves(getattr(value, field.python_name), (*path, name))
    elif value is not None:
        yield path, value


def _located(refusal: Refusal, leaves: Mapping[Path, Any]) -> Path | None:
    match refusal:
        case errors.KeyReused():
            return _named("key", leaves)
        case errors.NotEnoughUses():
            return _named("uses", leaves)
        case errors.SignInFailed():
            return None
        case errors.WrongPassword():
            return _named("oldPassword", leaves)
        case errors.AlreadyTaken(_, value):
            return _of_value(value, leaves)
        case errors.UnknownBatch(product, number, _):
            return _of_value(number, leaves) or _of_product(product, leaves, "batchNo")
        case errors.BatchExpired(product, _):
            return _of_product(product, leaves, "batchNo")
        case errors.VersionConflict(product, _, _, _, _):
            return _of_product(product, leaves, "expectedVersion")
        case errors.InvalidQuantity(product, _) | errors.ReturnExceedsSale(product, _, _, _, _):
            return _of_product(product, leaves, "quantity")
        case errors.OutOfStock(shortages) if shortages:
            return _of_product(shortages[0].product_id, leaves, "quantity")
        case errors.ExceedsTransfer(excesses) if excesses:
            return _of_product(excesses[0].product_id, leaves, "quantity")
        case errors.ReasonNeeded(products) if products:
            return _of_product(products[0], leaves, "reason")
        case errors.UnknownProduct(unknown) if unknown:
            return _of_value(unknown[0], leaves)
        case _:
            unknown = getattr(refusal, "asked", None)
            return _of_value(unknown, leaves) if isinstance(unknown, str) else None


def _named(name: str, leaves: Mapping[Path, Any]) -> Path | None:
    return next((path for path in leaves if path[-1] == name), None)


def _of_value(value: str, leaves: Mapping[Path, Any]) -> Path | None:
    """The first part that has this value, as it was sent or as it is stored."""
    return next((path for path, sent in leaves.items() if str(sent).strip() == value), None)


def _of_product(product: UUID, leaves: Mapping[Path, Any], name: str) -> Path | None:
    """The field `name` of the product's line, or the line when it does not have the field.

    A line with a code does not name its product, so it is only certain if it is the only line.
    """
    matching = next((path for path, sent in leaves.items() if sent == product), None)
    if matching is None:
        lines = {path[:-1] for path in leaves if path[-1] == "code" and "lines" in path}
        line = lines.pop() if len(lines) == 1 and not _several(leaves) else None
    else:
        line = matching[:-1]
    if line is None:
        return None
    return (*line, name) if (*line, name) in leaves else matching or line


def _several(leaves: Mapping[Path, Any]) -> bool:
    return any("lines" in path and path[path.index("lines") + 1] != "0" for path in leaves)
