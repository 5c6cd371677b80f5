"""Every card and modal must satisfy `@slack/types`, Slack's own description of Block Kit.

It knows each block and key, but no lengths: those are in `tests/slack/limits.py`. Needs node and
`npm ci --prefix tests/slack_types`.
"""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from bot.errors import BotError, NothingToDo
from bot.ports import PinnedVm
from bot.sandbox.gallery import batch as batch_gallery
from bot.sandbox.gallery import cold as cold_gallery
from bot.sandbox.gallery import live as gallery
from handlers import cards, modals, refusal
from tests.facts import proposed
from tests.slack.test_modals import NODES, STATE

HERE = Path(__file__).parent
TSC = HERE / "node_modules" / "typescript" / "bin" / "tsc"
OPTIONS = {"strict": True, "noEmit": True, "exactOptionalPropertyTypes": True, "module": "node16"}

pytestmark = [
    pytest.mark.stories,
    pytest.mark.skipif(
        shutil.which("node") is None or not TSC.exists(),
        reason="needs node and Slack's types: npm ci --prefix tests/slack_types",
    ),
]


def compile_(tmp_path: Path, constants: dict[str, tuple[str, object]]) -> str:
    """What the TypeScript compiler has to say about typed constants; empty when nothing."""
    types = HERE / "node_modules" / "@slack" / "types"
    options = OPTIONS | {"paths": {"@slack/types": [str(types)]}, "typeRoots": []}
    (tmp_path / "tsconfig.json").write_text(json.dumps({"compilerOptions": options, "files": ["cards.ts"]}))
    lines = [f"const {name}: {type_} = {json.dumps(value)};" for name, (type_, value) in constants.items()]
    header = 'import type { KnownBlock, ModalView } from "@slack/types";'
    (tmp_path / "cards.ts").write_text("\n".join([header, *lines]))
    command = ["node", str(TSC), "--project", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    return done.stdout + done.stderr


def test_every_card_and_modal_has_the_shape_that_slack_describes(tmp_path: Path) -> None:
    constants: dict[str, tuple[str, object]] = {
        f"{name}_{slot}": ("KnownBlock[]", card.stamped())
        for name, make in (gallery.GALLERY | cold_gallery.GALLERY | batch_gallery.GALLERY).items()
        for slot, card in cards.wanted(make()).items()
    }
    settled = cards.settled(cold_gallery.pin_later_again())
    pinned = PinnedVm("production", "web-01", "worker-05", "p1")
    for card in (
        *settled.values(),
        cards.pins_card([pinned]),
        cards.pins_card([pinned] * 40),
        cards.pins_card([]),
        cards.unpinned_card(pinned),
        cards.help_card(),
        cards.fault_card("deadbeef"),
        cards.refusal_card(BotError("x", "What.", "Remedy.")),
        cards.refusal_card(NothingToDo("x", "What.", "Remedy.")),
    ):
        constants[f"answer_{len(constants)}"] = ("KnownBlock[]", card.stamped())
    many = [*NODES] * 40
    for view in (
        refusal.loading("Modify the plan"),
        modals.modify(proposed(), NODES, STATE),
        modals.modify(proposed(), many, STATE),
        refusal.form(BotError("x", "What.", "Remedy.")),
    ):
        constants[f"view_{len(constants)}"] = ("ModalView", view)
    assert compile_(tmp_path, constants) == ""


@pytest.mark.parametrize(
    "block",
    [
        {"type": "header", "text": {"type": "mrkdwn", "text": "x"}},
        {"type": "section", "txt": {"type": "mrkdwn", "text": "x"}},
        {"type": "banner", "text": {"type": "mrkdwn", "text": "x"}},
    ],
)
def test_a_wrong_block_is_noticed(tmp_path: Path, block: object) -> None:
    assert "error TS" in compile_(tmp_path, {"wrong": ("KnownBlock[]", [block])})
