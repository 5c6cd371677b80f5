"""The `rich_text` block: sections, lists, quotes and preformatted text of literal elements.

Source: docs.slack.dev/reference/block-kit/blocks/rich-text-block.
"""

from bot.sandbox.slack import limits
from bot.sandbox.slack.blockkit.shapes import Shape, array, boolean, by_type, choice, integer, record, string

_STYLE = record(
    dict.fromkeys(("bold", "italic", "strike", "underline", "code", "highlight", "client_highlight", "unlink"), boolean)
)


def _inline(fields: dict[str, Shape], *required: str) -> Shape:
    return record({"type": string(), "style": _STYLE, **fields}, required)


INLINE = by_type(
    {
        "text": _inline({"text": string(None, 1)}, "text"),
        "link": _inline({"url": string(None, 1), "text": string(), "unsafe": boolean}, "url"),
        "emoji": _inline({"name": string(None, 1), "unicode": string(), "skin_tone": integer(1, 6)}, "name"),
        "user": _inline({"user_id": string(None, 1)}, "user_id"),
        "usergroup": _inline({"usergroup_id": string(None, 1)}, "usergroup_id"),
        "channel": _inline({"channel_id": string(None, 1)}, "channel_id"),
        "broadcast": _inline({"range": choice("here", "channel", "everyone")}, "range"),
        "date": _inline(
            {"timestamp": integer(0), "format": string(None, 1), "url": string(), "fallback": string()},
            "timestamp",
            "format",
        ),
        "color": _inline({"value": string(None, 1)}, "value"),
    }
)

_BORDER = integer(0, limits.RICH_TEXT_BORDER)
_SECTION = record({"type": string(), "elements": array(INLINE)}, ["elements"])
_LIST = record(
    {
        "type": string(),
        "elements": array(by_type({"rich_text_section": _SECTION})),
        "style": choice("bullet", "ordered"),
        "indent": integer(0, limits.RICH_TEXT_LIST_INDENT),
        "offset": integer(0),
        "border": _BORDER,
    },
    ["elements", "style"],
)
_QUOTE = record({"type": string(), "elements": array(INLINE), "border": _BORDER}, ["elements"])
_PREFORMATTED = record(
    {"type": string(), "elements": array(INLINE), "border": _BORDER, "language": string()}, ["elements"]
)

RICH_TEXT_PARTS = array(
    by_type(
        {
            "rich_text_section": _SECTION,
            "rich_text_list": _LIST,
            "rich_text_quote": _QUOTE,
            "rich_text_preformatted": _PREFORMATTED,
        }
    ),
    least=1,
)
