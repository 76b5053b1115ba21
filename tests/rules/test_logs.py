"""Log lines hold no phone number, token, password, nor a value of a row."""

import io
import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import asyncpg
import pytest
import structlog
from sqlalchemy.exc import DBAPIError

from app import logs

JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl"
STATEMENT = "INSERT INTO orders VALUES (张三)"
KEY = f"kucun_{'a' * 32}_{'b' * 32}_{'c' * 43}"


@contextmanager
def lines() -> Iterator[list[dict[str, Any]]]:
    """What structlog writes in the block, a line each."""
    was, stream, read = structlog.get_config(), io.StringIO(), list[dict[str, Any]]()
    logs.configure()
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(stream))
    yield read
    structlog.configure(**was)
    read += [json.loads(line) for line in stream.getvalue().splitlines()]


def violation() -> asyncpg.PostgresError:
    return asyncpg.PostgresError.new(
        {
            "C": "23505",
            "M": "duplicate key for 张三",
            "D": "Key (contact)=(13712345678) already exists.",
            "n": "uq_orders_external",
        }
    )


def test_values_are_masked() -> None:
    with lines() as read:
        structlog.get_logger().warning(
            "order 13712345678",
            contact="张三 137 1234 5678",
            inside={"phone": ["13712345678"]},
            token=JWT,
            key=KEY,
            url="postgresql://app:secret@db/kucun",
            id="019ab371-2345-7678-9137-123456780000",
            count=13712345678,
        )
    [line] = read
    assert line["event"] == "order 137****5678"
    assert line["contact"] == "张三 137****5678"
    assert line["inside"] == {"phone": ["137****5678"]}
    assert (line["token"], line["key"]) == ("***", "kucun_***")
    assert line["url"] == "postgresql://***@db/kucun"
    assert line["id"] == "019ab371-2345-7678-9137-123456780000"


def test_an_error_of_the_database_is_its_code_and_constraint() -> None:
    with lines() as read:
        try:
            try:
                raise violation()
            except asyncpg.PostgresError as error:
                raise DBAPIError(STATEMENT, {}, error) from error
        except DBAPIError as error:
            structlog.get_logger().error("failed", exc_info=error, reason=error)
    [line] = read
    text = json.dumps(line, ensure_ascii=False)
    assert "SQLSTATE 23505, constraint uq_orders_external" in line["reason"]
    assert line["exception"].count("SQLSTATE 23505, constraint uq_orders_external") == 2
    assert "test_logs.py" in line["exception"]
    for secret in ("1371234", "张三", "DETAIL", "INSERT"):
        assert secret not in text


def test_every_error_of_a_group_is_logged_once() -> None:
    group = ExceptionGroup("two", [ValueError("13712345678"), KeyError("x")])
    group.__cause__ = group.exceptions[0]
    with lines() as read:
        structlog.get_logger().error("failed", exc_info=group)
    text = read[0]["exception"]
    assert text.count("ValueError: 137****5678") >= 1
    assert "KeyError: 'x'" in text


def test_libraries_log_the_same_way() -> None:
    root, stream = logging.getLogger(), io.StringIO()
    handlers, level = root.handlers[:], root.level
    try:
        root.handlers = []
        logs.capture()
        [handler] = root.handlers
        assert isinstance(handler, logging.StreamHandler)
        handler.setStream(stream)
        logging.getLogger("uvicorn.error").error("%s failed", "13712345678", exc_info=violation())
    finally:
        root.handlers = handlers
        root.setLevel(level)
    line = json.loads(stream.getvalue())
    assert line["event"] == "137****5678 failed"
    assert line["exception"].endswith("SQLSTATE 23505, constraint uq_orders_external")
    assert "DETAIL" not in stream.getvalue()


@pytest.mark.parametrize("error", [ValueError("13712345678"), RuntimeError(JWT)])
def test_describes_an_error_without_secrets(error: Exception) -> None:
    assert logs.describe(error) in ("ValueError: 137****5678", "RuntimeError: ***")
