"""Refusals of scan sessions."""

from dataclasses import dataclass

from app.domain.errors import Refusal


@dataclass(frozen=True, slots=True)
class UnknownScanSession(Refusal):
    """No session, or no scan, that the viewer may see has this id."""

    asked: str
