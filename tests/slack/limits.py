"""An own, strict judgment of what Slack accepts, with the numbers of an independent list (`slackblocks`).

It knows only the block types that the bot uses; anything else is a failure. The sum of a message is undocumented:
github.com/slackapi/bolt-js/issues/2509 saw `msg_blocks_too_long` above 13,200 characters.
"""

import json
import re
from typing import Any

from slackblocks import _limits as slack

MESSAGE_SIZE = 13_200
MENTION = re.compile(
    r"<(?!https://[a-z.]+/archives/[A-Z0-9]+/p\d+\|[A-Za-z ]+>|@[UW][A-Z0-9]+>|!subteam\^S[A-Z0-9]+>|#[CG][A-Z0-9]+>"
    r"|!date\^\d+\^(\{date_short_pretty\} )?\{time(_secs)?\}\|(\d{4}-\d\d-\d\d )?\d\d:\d\d UTC>)[^>]*>?"
)
"""Any `<...` but the mentions of people and groups, the dates and the links to messages that cards make on purpose."""


def problems(blocks: list[dict[str, Any]], *, most: int = slack.MESSAGE_BLOCKS_MAX_ITEMS) -> list[str]:
    """Everything that Slack would refuse."""
    found = [problem for block in blocks for problem in _block(block)]
    if not 1 <= len(blocks) <= most:
        found.append(f"{len(blocks)} blocks")
    if len(json.dumps(blocks, separators=(",", ":"), ensure_ascii=False)) > MESSAGE_SIZE:
        found.append("message too large")
    ids = [block["block_id"] for block in blocks if "block_id" in block]
    return found + (["duplicate block_id"] if len(ids) != len(set(ids)) else [])


def _block(block: dict[str, Any]) -> list[str]:
    match block["type"]:
        case "header":
            return _text(block["text"], "plain_text", slack.HEADER_TEXT_MAX_LENGTH)
        case "section" if "fields" in block:
            return _count(block["fields"], slack.SECTION_FIELDS_MAX_ITEMS) + [
                problem
                for field in block["fields"]
                for problem in _text(field, "mrkdwn", slack.SECTION_FIELDS_ITEM_MAX_LENGTH)
            ]
        case "section":
            buttons = [block["accessory"]] if "accessory" in block else []
            return _text(block["text"], "mrkdwn", slack.SECTION_TEXT_MAX_LENGTH) + _buttons(buttons)
        case "context":
            return _count(block["elements"], slack.CONTEXT_ELEMENTS_MAX_ITEMS) + [
                problem for element in block["elements"] for problem in _text(element, "mrkdwn", slack.TEXT_MAX_LENGTH)
            ]
        case "actions":
            return _actions(block)
        case "divider":
            return []
        case "rich_text":
            texts = [text["text"] for part in block["elements"] for text in part["elements"]]
            return [] if all(texts) else ["empty rich text"]
        case "input":
            return _input(block)
        case other:
            return [f"unknown block {other}"]


def _actions(block: dict[str, Any]) -> list[str]:
    found = _count(block["elements"], slack.ACTIONS_ELEMENTS_MAX_ITEMS)
    ids = [button["action_id"] for button in block["elements"]]
    styles = [button.get("style") for button in block["elements"]]
    found += ["duplicate action_id"] if len(ids) != len(set(ids)) else []
    found += ["two primary buttons"] if styles.count("primary") > 1 else []
    return found + _buttons(block["elements"])


def _buttons(buttons: list[dict[str, Any]]) -> list[str]:
    found: list[str] = []
    for button in buttons:
        if button["type"] == "static_select":
            found += _menu(button)
            continue
        found += _text(button["text"], "plain_text", slack.BUTTON_TEXT_MAX_LENGTH)
        found += ["value too long"] if len(button["value"]) > slack.BUTTON_VALUE_MAX_LENGTH else []
        found += _confirm(button["confirm"]) if "confirm" in button else []
    return found


def _menu(menu: dict[str, Any]) -> list[str]:
    found = _count(menu["options"], slack.SELECT_OPTIONS_MAX_ITEMS)
    for option in menu["options"]:
        found += _text(option["text"], "plain_text", slack.OPTION_TEXT_MAX_LENGTH)
        found += [] if 1 <= len(option["value"]) <= slack.OPTION_VALUE_MAX_LENGTH else ["option value"]
        hints = [option["description"]] if "description" in option else []
        found += [problem for hint in hints for problem in _text(hint, "plain_text", slack.OPTION_TEXT_MAX_LENGTH)]
    return found


def _confirm(dialog: dict[str, Any]) -> list[str]:
    return (
        _text(dialog["title"], "plain_text", slack.CONFIRMATION_TITLE_MAX_LENGTH)
        + _text(dialog["text"], "plain_text", slack.CONFIRMATION_TEXT_MAX_LENGTH)
        + _text(dialog["confirm"], "plain_text", slack.CONFIRMATION_CONFIRM_MAX_LENGTH)
        + _text(dialog["deny"], "plain_text", slack.CONFIRMATION_DENY_MAX_LENGTH)
    )


def _input(block: dict[str, Any]) -> list[str]:
    element = block["element"]
    found = _text(block["label"], "plain_text", slack.INPUT_LABEL_MAX_LENGTH)
    groups = element.get("option_groups", [])
    found += _count(groups, slack.SELECT_OPTION_GROUPS_MAX_ITEMS) if groups else []
    lists = [group["options"] for group in groups] or ([element["options"]] if "options" in element else [])
    for options in lists:
        found += _count(options, slack.SELECT_OPTIONS_MAX_ITEMS)
        for option in options:
            found += _text(option["text"], "plain_text", slack.OPTION_TEXT_MAX_LENGTH)
            found += [] if 1 <= len(option["value"]) <= slack.OPTION_VALUE_MAX_LENGTH else ["option value"]
    if "initial_option" in element:
        known = [option for options in lists for option in options]
        found += [] if element["initial_option"] in known else ["initial_option is no option"]
    return found


def _count(items: list[Any], most: int) -> list[str]:
    return [] if 1 <= len(items) <= most else [f"{len(items)} items, at most {most}"]


def _text(text: dict[str, Any], kind: str, longest: int) -> list[str]:
    found = [] if text["type"] == kind else [f"{text['type']} instead of {kind}"]
    found += [] if 1 <= len(text["text"]) <= longest else [f"{len(text['text'])} characters, at most {longest}"]
    if kind == "mrkdwn":
        found += [f"markup {hit.group()!r}" for hit in MENTION.finditer(text["text"])]
        found += [] if text.get("verbatim") is True else ["not verbatim"]
    return found
