"""Evidence for the suggested reason of a variance, in words."""

from app.domain.documents.worksheet import WorksheetLine
from app.domain.rules.units import written
from app.domain.rules.variances import SuggestedReason, Suggestion


def quantities(line: WorksheetLine, suggestion: Suggestion, chinese: bool) -> list[str]:
    """The quantities that speak for the suggestion, such as 预占 3; none for other reasons."""
    kinds = {
        SuggestedReason.OPEN_HOLD: (
            ("预占", "reserved", line.now.reserved),
            ("待检", "in quarantine", line.now.quarantine),
        ),
        SuggestedReason.IN_TRANSIT: (("在途", "on the way", line.now.transit),),
    }
    return [
        f"{name} {written(base, line.scale)}" if chinese else f"{written(base, line.scale)} {word}"
        for name, word, base in kinds.get(suggestion.reason, ())
        if base
    ]
