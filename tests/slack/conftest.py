"""Fixtures of the Slack side. `REWRITE_SNAPSHOTS=1 pytest tests/slack` writes the cards as they are; read the diff."""

import json
import os
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from tests.slack.bot import Bot, running

SNAPSHOTS = Path(__file__).parent / "snapshots"


@pytest.fixture
def matches_snapshot() -> Callable[[str, object], None]:
    """Compare JSON with the checked-in file of that name."""

    def check(name: str, content: object) -> None:
        path = SNAPSHOTS / f"{name}.json"
        if os.environ.get("REWRITE_SNAPSHOTS"):
            path.parent.mkdir(exist_ok=True)
            path.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n")
        assert json.loads(path.read_text()) == content

    return check


@pytest.fixture
async def bot() -> AsyncIterator[Bot]:
    async with running() as started:
        yield started
