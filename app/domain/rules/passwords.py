"""The rules that a new password must meet."""

from app.domain.rules.texts import InvalidText

SHORTEST, LONGEST = 8, 128


def strong(password: str) -> str:
    """The password, exactly as typed. Raises InvalidText unless it has 8 to 128 characters."""
    if not SHORTEST <= len(password) <= LONGEST:
        raise InvalidText(
            "password",
            f"须为 {SHORTEST} 至 {LONGEST} 个字符",
            f"has {SHORTEST} to {LONGEST} characters",
        )
    return password
