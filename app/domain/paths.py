"""Paths of refusals: which part of an input is refused."""

from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace

from app.domain.errors import Malformed, Refused
from app.domain.rules.texts import InvalidText

Path = tuple[str, ...]


def at_path(*parts: str) -> AbstractContextManager[None]:
    """Puts these parts before the path of what is refused inside the block."""
    return repathed(lambda path: (*parts, *path))


@contextmanager
def repathed(change: Callable[[Path], Path]) -> Generator[None]:
    """Changes the path of what is refused inside the block."""
    try:
        yield
    except (Malformed, InvalidText) as error:
        error.path = change(error.path)
        raise
    except Refused as refused:
        path = change(refused.refusal.path or ())
        refused.refusal = replace(refused.refusal, path=path)
        raise
