"""The rules that a new password must meet."""

from app.domain.rules.texts import InvalidText

SHORTEST, LONGEST = 10, 128
GUESSES_AT_LEAST = 1_000_000
JUDGED = 40
"""How many characters of a password are judged, because the time of judging grows with the square
of the length."""

CHINESE = ("woaini", "5201314", "1314520", "kucun", "zhang", "wang")
"""Parts of common passwords in China that the English lists of zxcvbn lack."""


def strong(password: str, *known: str) -> str:
    """The password, exactly as typed; `known` are words that a guesser tries first, such as the
    login.

    Raises InvalidText unless it has 10 to 128 characters and is hard to guess.
    """
    if not SHORTEST <= len(password) <= LONGEST:
        raise InvalidText(
            "password",
            f"须为 {SHORTEST} 至 {LONGEST} 个字符",
            f"has {SHORTEST} to {LONGEST} characters",
        )
    if _guesses(password, known) < GUESSES_AT_LEAST:
        raise InvalidText(
            "password",
            "太容易被猜到，请勿使用常见密码、账号、姓名、手机号或连续字符",
            "is easy to guess: use no common password, login, name, phone number or sequence",
        )
    return password


def _guesses(password: str, known: tuple[str, ...]) -> float:
    # Imported here because its word lists take 16 MB, which a process needs only when it sets a
    # password.
    from zxcvbn import zxcvbn

    return float(zxcvbn(password[:JUDGED], user_inputs=[*CHINESE, *known])["guesses"])
