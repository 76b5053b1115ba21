"""Refusals of platforms by which customers sign in."""

from dataclasses import dataclass

from app.domain.errors import Refusal


@dataclass(frozen=True, slots=True)
class InvalidLoginCode(Refusal):
    """The platform does not know the code, or it was used before."""


@dataclass(frozen=True, slots=True)
class CustomerBlocked(Refusal):
    """The platform does not let this customer sign in."""


@dataclass(frozen=True, slots=True)
class PlatformUnavailable(Refusal):
    """The platform did not answer, or not in a way that can be read."""
