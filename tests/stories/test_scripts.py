"""Scripted conversations with the real bot, over the wire: see `scripts/`."""

import subprocess
import sys
from pathlib import Path

import pytest

from bot.sandbox import drills

SCRIPTS = sorted((Path(__file__).parent / "scripts").glob("*.yaml"))

HTTP_TOO = ("first-move", "cold-move", "modify", "kill")
"""Between them: a command, buttons, a form, private answers, and a bot that is away for a moment."""


@pytest.mark.stories
@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.stem)
def test_a_story_goes_as_written(script: Path) -> None:
    played = subprocess.run(
        [sys.executable, "-m", "bot", "sandbox", "play", str(script)], capture_output=True, text=True, check=False
    )
    assert played.returncode == 0, played.stdout + played.stderr
    assert "Traceback" not in played.stdout


@pytest.mark.stories
@pytest.mark.parametrize("name", drills.names())
def test_a_drill_can_be_passed(name: str) -> None:
    played = subprocess.run(
        [sys.executable, "-m", "bot", "sandbox", "play", name], capture_output=True, text=True, check=False
    )
    assert played.returncode == 0, played.stdout + played.stderr
    assert "To learn:" in played.stdout


@pytest.mark.stories
@pytest.mark.parametrize("name", HTTP_TOO)
def test_a_story_goes_the_same_way_where_slack_posts_signed_requests(name: str) -> None:
    script = next(script for script in SCRIPTS if script.stem == name)
    command = [sys.executable, "-m", "bot", "sandbox", "play", "--http", str(script)]
    played = subprocess.run(command, capture_output=True, text=True, check=False)
    assert played.returncode == 0, played.stdout + played.stderr
    assert "Traceback" not in played.stdout


@pytest.mark.stories
def test_an_expectation_that_fails_is_exit_code_1(tmp_path: Path) -> None:
    script = tmp_path / "wrong.yaml"
    script.write_text(
        "story: nobody answers\nsteps:\n  - expect: {as: dana, in: '#ops', text: no such text, within: 0.2}\n"
    )
    played = subprocess.run(
        [sys.executable, "-m", "bot", "sandbox", "play", str(script)], capture_output=True, text=True, check=False
    )
    assert played.returncode == 1
    assert "step 1" in played.stderr
