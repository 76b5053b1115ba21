"""Logs: one JSON object a line, with plain tracebacks that show no values of variables."""

import structlog


def configure() -> None:
    """Sets every logger of the process.

    structlog's default paints tracebacks with the variables of every frame, which takes a second
    of the loop's time for each and would write passwords and tokens into the log.
    """
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso"),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
    )
