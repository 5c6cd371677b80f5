"""The app's Home tab: what runs, what waits for the reader, what they asked for lately. Nobody else sees it."""

from collections.abc import Mapping, Sequence

from bot.ports import AtHome
from bot.record import Record
from handlers import blocks
from handlers.blocks import Block, code, date
from handlers.cards.card import Card
from handlers.cards.lists import line_of_ended, line_of_open
from handlers.fitting import HOME
from handlers.ids import CommandName


def home_card(found: AtHome, links: Mapping[str, str]) -> Card:
    """First what waits for this person, since that is what they can do something about."""
    return Card(
        f"Waiting for your Confirm: {len(found.waiting)}. Moving now: {len(found.running)}.",
        (
            blocks.header("VM moves"),
            blocks.context(f"As of {date(found.at)}; open this tab again for news. Plans of your channels only."),
            *_part("Waiting for your Confirm", "Nothing waits for you.", found.waiting, links, is_open=True),
            *_part("Moving now", "No VM is being moved.", found.running, links, is_open=True),
            *_part("Confirmed for later", "No plan waits for its time.", found.scheduled, links, is_open=True),
            *_part("What you asked for lately", "Nothing yet.", found.recent, links, is_open=False),
            blocks.section(_pinned(found.pins)),
            blocks.divider(),
            blocks.context(f"To plan a move, type in a channel: {code(f'{CommandName.MIGRATE} web-01 worker-05')}"),
        ),
        HOME,
    )


def _pinned(count: int) -> str:
    if count == 0:
        return "📌 No VM is still pinned by a cold move."
    ask = f"To see them, type in a channel: {code(f'{CommandName.MIGRATE} pins')}"
    return f"📌 *VMs still pinned by a cold move: {count}.* {ask}"


def _part(title: str, nothing: str, plans: Sequence[Record], links: Mapping[str, str], *, is_open: bool) -> list[Block]:
    line = line_of_open if is_open else line_of_ended
    lines = [blocks.section(line(plan, links.get(plan.id, ""))) for plan in plans] or [blocks.context(nothing)]
    return [blocks.section(f"*{title}*"), *lines]
