"""Block Kit primitives: the only place that knows what a block looks like and how long its texts may be.

Text of people and of the cluster comes in through `escape` and `code`, or as `raw` lines; nothing else is interpolated.
Every mrkdwn text is `verbatim`: Slack then makes no links, channels or mentions out of bare words. A text that is too
long is cut with an ellipsis, since a shorter card is better than none.

Limits: https://docs.slack.dev/reference/block-kit/blocks (one page per block and element).
"""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

Block = dict[str, Any]
"""A block or a part of one, as raw JSON."""

HEADER_TEXT = 150
SECTION_TEXT = 3000
SECTION_FIELDS = 10
FIELD_TEXT = 2000
CONTEXT_TEXT = 3000
BUTTON_TEXT = 75
BUTTON_VALUE = 2000
CONFIRM_TITLE = 100
CONFIRM_TEXT = 300
CONFIRM_BUTTON = 30
OPTION_TEXT = 75
OPTION_VALUE = 150
OPTIONS = 100
LABEL = 2000
HINT = 2000
PLACEHOLDER = 150
MODAL_WORDS = 24
"""Of a modal's title and of its two buttons (docs.slack.dev/reference/views/modal-views)."""
NOTIFICATION = 4000
"""`text` of chat.update (docs.slack.dev/reference/methods/chat.update, `msg_too_long`)."""

NAME = 120
"""Characters of a name in a card: longer ones exist, and nobody can read them on a phone."""
SENTENCE = 300
"""Characters of one sentence with foreign text in it: with them a card fits one message (see `handlers.fitting`)."""
QUOTE = 500
"""Characters of one quotation from the cluster."""

_USER = re.compile(r"[UW][A-Z0-9]{1,20}")
_CHANNEL = re.compile(r"[CG][A-Z0-9]{1,20}")
_GROUP = re.compile(r"S[A-Z0-9]{1,20}")
_IDS = re.compile(r"\b[UWSC](?=[A-Z0-9]*\d)[A-Z0-9]{5,20}\b")
"""Ids of Slack's as they stand in a sentence; the words of a sentence are not all capitals with a digit among them."""
_KINDS = {"U": "@", "W": "@", "S": "!subteam^", "C": "#"}
_TORN = re.compile(r"[<&][^>;]*$")


def plain(text: str) -> str:
    """One line without control and direction characters, which could make a name look like another."""
    if text.isprintable():
        return text
    return "".join(" " if char in "\n\t" else char for char in text if char in "\n\t" or _is_visible(char))


def _is_visible(char: str) -> bool:
    return char.isprintable() or unicodedata.category(char) not in {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}


def clip(text: str, limit: int) -> str:
    """At most `limit` characters."""
    return text if len(text) <= limit else text[: limit - 1] + "…"


def clip_mrkdwn(text: str, limit: int) -> str:
    """The same for mrkdwn, in which no escape and no mention may be torn."""
    return text if len(text) <= limit else _TORN.sub("", text[: limit - 1]) + "…"


def escape(text: str, limit: int = SENTENCE) -> str:
    """Foreign text for mrkdwn, at most `limit` characters: & first, or the others' escapes would be escaped again."""
    return clip_mrkdwn(plain(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;"), limit)


def code(text: str, limit: int = NAME) -> str:
    """A name in a code span, which it cannot leave."""
    return f"`{escape(text, limit).replace('`', 'ˋ') or '-'}`"


def mention(user: str) -> str:
    """A person by id; anything that is no user id is shown, not mentioned."""
    return f"<@{user}>" if _USER.fullmatch(user) else code(user)


def named(text: str) -> str:
    """Escaped text in which the bare ids of people, groups and channels are shown by name. For what one person alone
    sees: there a mention notifies nobody."""
    return _IDS.sub(lambda found: f"<{_KINDS[found[0][0]]}{found[0]}>", text)


def mention_group(group: str) -> str:
    """A user group by id; anything that is no such id is shown, not mentioned."""
    return f"<!subteam^{group}>" if _GROUP.fullmatch(group) else code(group)


def mention_channel(channel: str) -> str:
    """A channel by id; anything that is no such id is shown, not linked."""
    return f"<#{channel}>" if _CHANNEL.fullmatch(channel) else code(channel)


def date(moment: datetime, shape: str = "{time}") -> str:
    """A moment in each reader's own time zone; UTC where Slack cannot tell."""
    fallback = "%Y-%m-%d %H:%M" if "date" in shape else "%H:%M"
    return f"<!date^{int(moment.timestamp())}^{shape}|{moment.astimezone(UTC):{fallback}} UTC>"


def mrkdwn(text: str, limit: int = SECTION_TEXT) -> Block:
    """A mrkdwn text object."""
    return {"type": "mrkdwn", "text": clip_mrkdwn(text, limit), "verbatim": True}


def plain_text(text: str, limit: int) -> Block:
    """A plain_text object; Slack interprets nothing in it but emoji names."""
    return {"type": "plain_text", "text": clip(plain(text), limit), "emoji": True}


def header(text: str) -> Block:
    """The title of a message."""
    return {"type": "header", "text": plain_text(text, HEADER_TEXT)}


def section(text: str, accessory: Block | None = None) -> Block:
    """A paragraph, with a button of its own beside it."""
    made: Block = {"type": "section", "text": mrkdwn(text)}
    return made | ({"accessory": accessory} if accessory else {})


def fields(texts: Iterable[str]) -> Block:
    """Short texts in two columns, one below the other on a phone."""
    return {"type": "section", "fields": [mrkdwn(text, FIELD_TEXT) for text in list(texts)[:SECTION_FIELDS]]}


def context(text: str) -> Block:
    """Small print."""
    return {"type": "context", "elements": [mrkdwn(text, CONTEXT_TEXT)]}


def divider() -> Block:
    """A line."""
    return {"type": "divider"}


def raw(lines: Iterable[str]) -> Block:
    """Quotations, literally: rich text is not parsed for markup. Slack takes no empty one."""
    text = "\n".join(clip(plain(line), QUOTE) for line in lines) or "-"
    return {
        "type": "rich_text",
        "elements": [{"type": "rich_text_preformatted", "elements": [{"type": "text", "text": text}]}],
    }


def actions(*elements: Block) -> Block:
    """A row of buttons."""
    return {"type": "actions", "elements": list(elements)}


def button(text: str, action_id: str, value: str, *, style: str | None = None, confirm: Block | None = None) -> Block:
    """A button; `style` is primary or danger."""
    made: Block = {"type": "button", "action_id": action_id, "text": plain_text(text, BUTTON_TEXT), "value": value}
    made |= {"style": style} if style else {}
    return made | ({"confirm": confirm} if confirm else {})


def dialog(title: str, text: str, confirm: str, deny: str, *, style: str = "primary") -> Block:
    """The question behind a button. It runs in the client only: it protects nothing."""
    return {
        "title": plain_text(title, CONFIRM_TITLE),
        "text": plain_text(text, CONFIRM_TEXT),
        "confirm": plain_text(confirm, CONFIRM_BUTTON),
        "deny": plain_text(deny, CONFIRM_BUTTON),
        "style": style,
    }


def option(text: str, value: str, hint: str = "") -> Block:
    """One choice. `value` must fit OPTION_VALUE; the caller leaves out what does not."""
    made: Block = {"text": plain_text(text, OPTION_TEXT), "value": value}
    return made | ({"description": plain_text(hint, OPTION_TEXT)} if hint else {})


def grouped(options: Sequence[Block]) -> Block:
    """The options of a list, which takes 100; more go into groups of 100."""
    if len(options) <= OPTIONS:
        return {"options": list(options)}
    starts = range(0, len(options), OPTIONS)
    groups = [(start + 1, list(options[start : start + OPTIONS])) for start in starts]
    return {
        "option_groups": [
            {"label": plain_text(f"{first} to {first + len(part) - 1}", OPTION_TEXT), "options": part}
            for first, part in groups
        ]
    }


def select(action_id: str, options: Sequence[Block], *, placeholder: str) -> Block:
    """A menu."""
    made: Block = {"type": "static_select", "action_id": action_id, **grouped(options)}
    return made | {"placeholder": plain_text(placeholder, PLACEHOLDER)}


def text_input(action_id: str, longest: int, *, initial: str = "", multiline: bool = False) -> Block:
    """What one types into a field of a modal."""
    made: Block = {"type": "plain_text_input", "action_id": action_id, "max_length": longest, "multiline": multiline}
    return made | ({"initial_value": initial} if initial else {})


def input_block(block_id: str, label: str, element: Block, *, hint: str = "", optional: bool = False) -> Block:
    """A field of a modal."""
    made: Block = {
        "type": "input",
        "block_id": block_id,
        "label": plain_text(label, LABEL),
        "element": element,
        "optional": optional,
    }
    return made | ({"hint": plain_text(hint, HINT)} if hint else {})


def modal(title: str, body: Sequence[Block], *, callback_id: str = "", metadata: str = "", submit: str = "") -> Block:
    """A form; without `submit` it can only be closed. What is sent comes back under `callback_id`, with `metadata`."""
    made = {
        "type": "modal",
        "title": plain_text(title, MODAL_WORDS),
        "close": plain_text("Close", MODAL_WORDS),
        "submit": plain_text(submit, MODAL_WORDS) if submit else None,
        "callback_id": callback_id,
        "private_metadata": metadata,
        "blocks": list(body),
    }
    return {name: value for name, value in made.items() if value}
