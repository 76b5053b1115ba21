"""GS1 messages and Digital Links, parsed by biip. It loads tables of 15 MiB, so `codes` imports it
at the first such code."""

from collections.abc import Sequence

from biip import BiipException, ParseConfig
from biip.gs1_digital_link_uris import GS1DigitalLinkURI
from biip.gs1_element_strings import GS1ElementString
from biip.gs1_messages import GS1Message

from app.domain.rules.codes import STANDS_FOR_FNC1, NotGs1

CONFIG = ParseConfig(separator_chars=(STANDS_FOR_FNC1,))
Parts = Sequence[GS1ElementString]


def parse_link(text: str) -> Parts:
    """The elements of a Digital Link. Raises NotGs1."""
    try:
        return GS1DigitalLinkURI.parse(text).element_strings
    except BiipException as error:
        raise NotGs1(str(error)) from error


def parse_printed(text: str) -> Parts:
    """The elements of a message as it is printed, with its AIs in parentheses. Raises NotGs1."""
    try:
        return GS1Message.parse_hri(text).element_strings
    except BiipException as error:
        raise NotGs1(str(error)) from error


def parse_message(text: str) -> Parts:
    """The elements of a scanned message. Raises NotGs1."""
    try:
        return GS1Message.parse(text.lstrip(STANDS_FOR_FNC1), config=CONFIG).element_strings
    except BiipException as error:
        raise NotGs1(str(error)) from error
