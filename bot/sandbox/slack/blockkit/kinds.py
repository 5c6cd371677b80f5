"""The blocks themselves, and the surfaces (message, modal) on which Slack takes each.

Source: docs.slack.dev/reference/block-kit/blocks, one page per block; surfaces from docs.slack.dev/blocks.json.
"""

from collections.abc import Iterator

from bot.sandbox.slack import limits
from bot.sandbox.slack.blockkit.elements import ACCESSORY, ACTIONS_ELEMENT, IMAGE_ELEMENT, INPUT_ELEMENT
from bot.sandbox.slack.blockkit.objects import plain_text, text
from bot.sandbox.slack.blockkit.richtext import RICH_TEXT_PARTS
from bot.sandbox.slack.blockkit.shapes import (
    Rule,
    Shape,
    array,
    at_least_one,
    boolean,
    by_type,
    choice,
    problem,
    record,
    string,
)
from bot.sandbox.slack.wire import Json


def _block(fields: dict[str, Shape], *required: str, rules: tuple[Rule, ...] = ()) -> Shape:
    common: dict[str, Shape] = {"type": string(), "block_id": string(limits.BLOCK_ID, 1)}
    return record({**common, **fields}, required, rules)


def _columns_fit(table: Json, pointer: str) -> Iterator[str]:
    for index, row in enumerate(table["rows"]):
        if len(row) != len(table["rows"][0]):
            yield problem("all rows must have the same number of cells", f"{pointer}/rows/{index}")


HEADER = _block({"text": plain_text(limits.HEADER_TEXT)}, "text")

SECTION = _block(
    {
        "text": text(limits.SECTION_TEXT),
        "fields": array(text(limits.SECTION_FIELD_TEXT), limits.SECTION_FIELDS, 1),
        "accessory": ACCESSORY,
        "expand": boolean,
    },
    rules=(at_least_one("text", "fields"),),
)

ACTIONS = _block({"elements": array(ACTIONS_ELEMENT, limits.ACTIONS_ELEMENTS, 1)}, "elements")

_CONTEXT_TEXT = text(limits.TEXT)
CONTEXT = _block(
    {
        "elements": array(
            by_type({"image": IMAGE_ELEMENT, "plain_text": _CONTEXT_TEXT, "mrkdwn": _CONTEXT_TEXT}),
            limits.CONTEXT_ELEMENTS,
            1,
        )
    },
    "elements",
)

DIVIDER = _block({})

IMAGE = _block(
    {
        "image_url": string(limits.IMAGE_URL, 1),
        "alt_text": string(limits.IMAGE_ALT_TEXT, 1),
        "title": plain_text(limits.IMAGE_TITLE),
    },
    "image_url",
    "alt_text",
)

INPUT = _block(
    {
        "label": plain_text(limits.INPUT_LABEL),
        "element": INPUT_ELEMENT,
        "hint": plain_text(limits.INPUT_HINT),
        "optional": boolean,
        "dispatch_action": boolean,
    },
    "label",
    "element",
)

RICH_TEXT = _block({"elements": RICH_TEXT_PARTS}, "elements")

MARKDOWN = _block({"text": string(limits.MARKDOWN_TOTAL_TEXT, 1)}, "text")


def _number(value: object, pointer: str) -> Iterator[str]:
    if isinstance(value, bool) or not isinstance(value, int | float):
        yield problem("must be a number", pointer)


_CELL = by_type(
    {
        "raw_text": record({"type": string(), "text": string(None, 1)}, ["text"]),
        "raw_number": record({"type": string(), "value": _number, "text": string(None, 1)}, ["value", "text"]),
        "rich_text": RICH_TEXT,
    }
)
_COLUMN = record({"align": choice("left", "center", "right"), "is_wrapped": boolean})
_ROW = array(_CELL, limits.TABLE_COLUMNS, 1)

TABLE = _block(
    {
        "rows": array(_ROW, limits.TABLE_ROWS, 1),
        "column_settings": array(_COLUMN, limits.TABLE_COLUMNS),
    },
    "rows",
    rules=(_columns_fit,),
)

_EVERYWHERE: dict[str, Shape] = {
    "header": HEADER,
    "section": SECTION,
    "actions": ACTIONS,
    "context": CONTEXT,
    "divider": DIVIDER,
    "image": IMAGE,
    "input": INPUT,
    "rich_text": RICH_TEXT,
}

MESSAGE_BLOCK = by_type({**_EVERYWHERE, "markdown": MARKDOWN, "table": TABLE})
MODAL_BLOCK = by_type(_EVERYWHERE)
