"""The language of answers: Chinese by default, or English."""

LANGUAGES = ("zh", "en")


def language_of(header: str) -> str:
    """The language that an Accept-Language value prefers: `zh` or `en`; `zh` when it names neither.

    Among languages with the same weight the first one counts. An invalid weight counts as 0.
    """
    best, language = 0.0, LANGUAGES[0]
    for part in header.split(","):
        name, _, parameters = part.partition(";")
        primary = name.strip().lower().split("-", 1)[0]
        weight = _weight(parameters)
        if primary in LANGUAGES and weight > best:
            best, language = weight, primary
    return language


def _weight(parameters: str) -> float:
    key, _, value = parameters.strip().partition("=")
    if not key:
        return 1.0
    try:
        return float(value) if key.strip().lower() == "q" else 1.0
    except ValueError:
        return 0.0
