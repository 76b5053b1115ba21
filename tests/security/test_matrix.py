"""The tables of docs/security.md are those that the code declares."""

from pathlib import Path

from app.resolvers import SCHEMA
from app.schema.matrix import matrix

PAGE = Path(__file__).parent.parent.parent / "docs" / "security.md"


def test_the_page_prints_the_matrix() -> None:
    """`kucun matrix` prints what belongs under "Who may see what"."""
    assert matrix(SCHEMA) in PAGE.read_text()
