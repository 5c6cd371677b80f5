"""Whole messages and whole views: each block by itself, then what must hold between blocks.

`check_message` and `check_view` raise the SlackError that Slack would answer and return nothing.
They promise to refuse what the documented limits refuse; they do not promise Slack's exact sentences.
"""

import json
from collections.abc import Iterator

from bot.sandbox.slack import limits
from bot.sandbox.slack.blockkit.kinds import MESSAGE_BLOCK, MODAL_BLOCK
from bot.sandbox.slack.blockkit.objects import plain_text
from bot.sandbox.slack.blockkit.shapes import array, boolean, by_type, problem, record, string
from bot.sandbox.slack.blockkit.walk import elements_of
from bot.sandbox.slack.errors import SlackError
from bot.sandbox.slack.wire import Json


def check_message(blocks: object) -> None:
    """Refuse a message's blocks: `invalid_blocks`, `invalid_blocks_format`, `msg_blocks_too_long` and kin."""
    if not isinstance(blocks, list):
        raise SlackError("invalid_blocks_format")
    found = list(array(MESSAGE_BLOCK, limits.MESSAGE_BLOCKS)(blocks, "/blocks"))
    found = found or [*_duplicates(blocks, "/blocks"), *_markdown_total(blocks)]
    if found:
        raise SlackError.with_messages("invalid_blocks", found)
    # docs table-block: more than one answers `invalid_attachments` with `only_one_table_allowed`.
    if sum(block["type"] == "table" for block in blocks) > limits.TABLES_PER_MESSAGE:
        raise SlackError.with_messages("invalid_attachments", ["only_one_table_allowed"])
    if len(json.dumps(blocks, separators=(",", ":"), ensure_ascii=False)) > limits.MESSAGE_BLOCKS_SIZE:
        raise SlackError("msg_blocks_too_long")


def check_view(view: object) -> None:
    """Refuse a modal: `invalid_arguments` with pointers under /view, or `view_too_large`."""
    found = list(VIEW(view, "/view"))
    if not found and isinstance(view, dict):
        found = [*_duplicates(view["blocks"], "/view/blocks"), *_submit_is_there(view)]
    if found:
        raise SlackError.with_messages("invalid_arguments", found)
    if len(json.dumps(view).encode()) > limits.VIEW_BYTES:
        raise SlackError("view_too_large")


def check_home(view: object) -> None:
    """Refuse a Home tab in the same words."""
    found = list(HOME(view, "/view"))
    if not found and isinstance(view, dict):
        found = list(_duplicates(view["blocks"], "/view/blocks"))
    if found:
        raise SlackError.with_messages("invalid_arguments", found)
    if len(json.dumps(view).encode()) > limits.VIEW_BYTES:
        raise SlackError("view_too_large")


_MODAL = record(
    {
        "type": string(),
        "title": plain_text(limits.VIEW_TITLE),
        "blocks": array(MODAL_BLOCK, limits.VIEW_BLOCKS),
        "submit": plain_text(limits.VIEW_BUTTON),
        "close": plain_text(limits.VIEW_BUTTON),
        "private_metadata": string(limits.VIEW_PRIVATE_METADATA),
        "callback_id": string(limits.VIEW_CALLBACK_ID),
        "external_id": string(limits.VIEW_EXTERNAL_ID),
        "clear_on_close": boolean,
        "notify_on_close": boolean,
        "submit_disabled": boolean,
    },
    ["title", "blocks"],
)
VIEW = by_type({"modal": _MODAL})

_HOME = record(
    {
        "type": string(),
        "blocks": array(MESSAGE_BLOCK, limits.VIEW_BLOCKS),
        "private_metadata": string(limits.VIEW_PRIVATE_METADATA),
        "callback_id": string(limits.VIEW_CALLBACK_ID),
        "external_id": string(limits.VIEW_EXTERNAL_ID),
    },
    ["blocks"],
)
HOME = by_type({"home": _HOME})


def _duplicates(blocks: list[Json], pointer: str) -> Iterator[str]:
    """A block_id is unique in its message or view, an action_id in its block."""
    block_ids: set[str] = set()
    for index, block in enumerate(blocks):
        block_id = block.get("block_id")
        if block_id in block_ids:
            yield problem(f"`block_id` {block_id} already exists", f"{pointer}/{index}/block_id")
        block_ids |= {block_id} if block_id else set()
        yield from _duplicate_actions(block, f"{pointer}/{index}")


def _duplicate_actions(block: Json, pointer: str) -> Iterator[str]:
    action_ids: set[str] = set()
    for element in elements_of(block):
        action_id = element.get("action_id")
        if action_id in action_ids:
            yield problem(f"`action_id` {action_id} already exists", pointer)
        action_ids |= {action_id} if action_id else set()


def _markdown_total(blocks: list[Json]) -> Iterator[str]:
    """docs markdown-block: the limit is cumulative over all markdown blocks of one payload."""
    total = sum(len(block["text"]) for block in blocks if block["type"] == "markdown")
    if total > limits.MARKDOWN_TOTAL_TEXT:
        yield problem(f"markdown must be less than {limits.MARKDOWN_TOTAL_TEXT + 1} characters in sum", "/blocks")


def _submit_is_there(view: Json) -> Iterator[str]:
    """docs surfaces/modals: `submit` is required when an `input` block is within the blocks."""
    if "submit" not in view and any(block["type"] == "input" for block in view["blocks"]):
        yield problem("missing required field: submit", "/view")
