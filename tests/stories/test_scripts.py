"""Scripted conversations with the real bot, over the wire: see `scripts/`."""

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPTS = sorted((Path(__file__).parent / "scripts").glob("*.yaml"))


@pytest.mark.stories
@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.stem)
def test_a_story_goes_as_written(script: Path) -> None:
    played = subprocess.run(
        [sys.executable, "-m", "bot", "sandbox", "play", str(script)], capture_output=True, text=True, check=False
    )
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
