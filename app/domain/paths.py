"""Paths of refusals: which part of an input is refused."""

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import replace

from app.domain.errors import Malformed, Refused
from app.domain.rules.texts import InvalidText


@contextmanager
def at_path(*parts: str) -> Generator[None]:
    """Puts these parts before the path of what is refused inside the block."""
    try:
        yield
    except (Malformed, InvalidText) as error:
        error.path = (*parts, *error.path)
        raise
    except Refused as refused:
        path = (*parts, *(refused.refusal.path or ()))
        refused.refusal = replace(refused.refusal, path=path)
        raise
