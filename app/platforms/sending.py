"""Errors of sending a message, and the message of a mini-program."""

from collections.abc import Mapping
from typing import NamedTuple


class SendError(Exception):
    """The receiver refused, or did not answer in time.

    `final`: a later attempt cannot succeed. `waits`: a quota is used up, and is filled again.
    """

    def __init__(self, message: str, *, final: bool = False, waits: bool = False) -> None:
        super().__init__(message)
        self.final = final
        self.waits = waits


class NotSubscribed(SendError):
    """The person has no subscription left for the template."""

    def __init__(self, message: str) -> None:
        super().__init__(message, final=True)


class TemplateMessage(NamedTuple):
    """A message by a template: the provider's id, the page that it opens, and its fields."""

    template: str
    page: str | None
    fields: Mapping[str, str]
