"""The files of the container deployment fit the program they start."""

from pathlib import Path

import yaml

from app.cli import app
from app.settings import Settings

ROOT = Path(__file__).parents[2]


def compose() -> dict:
    return yaml.safe_load((ROOT / "compose.yaml").read_text())


def test_compose_sets_only_settings_that_exist() -> None:
    known = {f"KUCUN_{name.upper()}" for name in Settings.model_fields}
    for name in ("web", "migrate"):
        assert set(compose()["services"][name]["environment"]) <= known
    assert "KUCUN_OWNER_URL" not in compose()["services"]["web"]["environment"]


def test_compose_runs_commands_that_exist() -> None:
    commands = {
        command.callback.__name__ for command in app.registered_commands if command.callback
    }
    for name in ("web", "migrate"):
        program, command, *_ = compose()["services"][name]["command"]
        assert program == "kucun"
        assert command in commands


def test_the_image_holds_what_it_copies() -> None:
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    copied = [
        source
        for line in (ROOT / "Dockerfile").read_text().splitlines()
        if line.startswith("COPY ") and "--from" not in line
        for source in line.split()[1:-1]
    ]
    assert len(copied) > 4
    for source in copied:
        assert (ROOT / source).exists()
        assert f"!{source.removeprefix('./')}" in ignored
