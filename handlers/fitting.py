"""What one message has room for: lines into paragraphs and messages, and the size that every card is held to.

A list says itself how many of its lines are left out (`within`, `pages`). `fitted` is the last resort behind all cards,
for a night of long names and long evidence: a card that is cut is better than one that Slack refuses.
"""

import json
from collections.abc import Iterable, Sequence
from typing import NamedTuple, TypeVar

from handlers.blocks import SECTION_TEXT, Block, clip, clip_mrkdwn, context, section


class Room(NamedTuple):
    """What a surface holds: blocks, and characters of JSON, the block_ids that come on top not counted."""

    blocks: int
    size: int


MESSAGE = Room(50, 11_000)
"""docs.slack.dev/reference/block-kit/blocks; Slack refuses more than about 13,200 characters with
`msg_blocks_too_long`, which it does not document (github.com/slackapi/bolt-js/issues/2509, 2867)."""
HOME = Room(100, 200_000)
"""Of the app's Home tab, as of all views: 250 kB (docs.slack.dev/surfaces/modals)."""
LIST_SIZE = 8_500
"""Characters of a message for a list: the rest is for what stands above and below it."""

_LONGEST = (3_000, 1_500, 600, 200)
"""Characters of the longest text, tried one after the other."""
_CLOSING = 4
"""Blocks at the end, which whole blocks before them give way to: there are the buttons and the people."""
_LEFT_OUT = context("✂️ Here some of it is left out: it is more than one message holds.")

Part = TypeVar("Part")


def size(part: object) -> int:
    """Characters that it takes in a message."""
    return len(json.dumps(part, separators=(",", ":"), ensure_ascii=False))


def within(room: int, parts: Iterable[Part]) -> list[Part]:
    """The first ones, as many as fit together into that many characters."""
    kept: list[Part] = []
    for part in parts:
        room -= size(part)
        if room < 0:
            break
        kept.append(part)
    return kept


def pages(lines: Iterable[str], room: int = LIST_SIZE) -> list[list[str]]:
    """Lines in as many messages as they need."""
    made: list[list[str]] = []
    left = 0
    for line in lines:
        left -= size(line)
        if not made or left < 0:
            made.append([])
            left = room - size(line)
        made[-1].append(line)
    return made


def packed(lines: Iterable[str], room: int) -> list[str]:
    """Lines in as few texts as hold them, each of less than `room` characters, but for a line that alone has more."""
    made: list[str] = []
    for line in lines:
        if made and len(made[-1]) + len(line) < room:
            made[-1] += f"\n{line}"
        else:
            made.append(line)
    return made


def paragraphs(lines: Iterable[str]) -> list[Block]:
    """Lines in as few sections as hold them."""
    return [section(text) for text in packed(lines, SECTION_TEXT)]


def fitted(made: Sequence[Block], room: Room = MESSAGE) -> tuple[Block, ...]:
    """All of a card, in what one message takes. Where it is too much the longest texts are cut first, then whole blocks
    are left out above the last few."""
    kept = list(made)
    for longest in _LONGEST:
        if size(kept) <= room.size:
            break
        kept = [_cut(block, longest) for block in made]
    if _fits(kept, room):
        return tuple(kept)
    while kept and not _fits([*kept, _LEFT_OUT], room):
        del kept[max(0, len(kept) - _CLOSING - 1)]
    kept.insert(max(0, len(kept) - _CLOSING), _LEFT_OUT)
    return tuple(kept)


def _fits(made: Sequence[Block], room: Room) -> bool:
    return len(made) <= room.blocks and size(made) <= room.size


def _cut(part: Block, longest: int) -> Block:
    """A block or a part of one with its texts cut, but for those that its limits keep short anyway."""
    match part:
        case {"type": "mrkdwn", "text": str(text)}:
            return {**part, "text": clip_mrkdwn(text, longest)}
        case {"type": "text", "text": str(text)}:
            return {**part, "text": clip(text, longest)}
        case {"text": {"type": "mrkdwn"} as text}:
            return {**part, "text": _cut(text, longest)}
        case {"fields": list(parts)}:
            return {**part, "fields": [_cut(each, longest) for each in parts]}
        case {"type": "context" | "rich_text" | "rich_text_preformatted", "elements": list(parts)}:
            return {**part, "elements": [_cut(each, longest) for each in parts]}
    return part
