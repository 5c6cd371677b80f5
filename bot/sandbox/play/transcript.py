"""A message as text: what somebody would read aloud, for transcripts and for looking things up in it."""

from collections.abc import Iterator
from html import unescape
from typing import Any

Json = dict[str, Any]


def text_of(message: Json) -> str:
    """Everything that a reader of the message sees; the plain `text` only where there are no blocks."""
    blocks = message.get("blocks") or []
    lines = [line for block in blocks for line in _block(block)] if blocks else [message.get("text", "")]
    return unescape("\n".join(line for line in lines if line))


def buttons_of(message: Json) -> dict[str, Json]:
    """The buttons by what is written on them."""
    elements = [element for block in message.get("blocks") or [] for element in _elements(block)]
    return {_text(element["text"]): element for element in elements if element.get("type") == "button"}


def fields_of(view: Json) -> dict[str, Json]:
    """The inputs of a modal by their labels."""
    return {_text(block["label"]): block for block in view.get("blocks", []) if block.get("type") == "input"}


def option_named(element: Json, wanted: str) -> str:
    """The value of the option with that text, or else the text itself (for a free input)."""
    options = list(element.get("options") or [])
    options += [option for group in element.get("option_groups") or [] for option in group["options"]]
    return next((option["value"] for option in options if wanted in _text(option["text"])), wanted)


def _elements(block: Json) -> list[Json]:
    return [*block.get("elements", []), *([block["accessory"]] if "accessory" in block else [])]


def _block(block: Json) -> Iterator[str]:
    match block["type"]:
        case "header":
            yield f"== {_text(block['text'])} =="
        case "section":
            yield _text(block.get("text", {}))
            yield from (_text(field).replace("\n", ": ", 1) for field in block.get("fields", []))
            yield from (_element(element) for element in _elements(block))
        case "context" | "actions":
            yield " ".join(_element(element) for element in block["elements"])
        case "rich_text":
            yield "".join(_rich(block))
        case "table":
            yield from (" | ".join(_text(cell) or "".join(_rich(cell)) for cell in row) for row in block["rows"])
        case "markdown":
            yield block["text"]
        case "divider":
            yield "----"


def _element(element: Json) -> str:
    return f"[{_text(element['text'])}]" if element.get("type") == "button" else _text(element)


def _rich(part: Json) -> Iterator[str]:
    if "text" in part:
        yield part["text"]
    for inner in part.get("elements", []):
        yield from _rich(inner)
    if part.get("type") in {"rich_text_section", "rich_text_preformatted", "rich_text_quote"}:
        yield "\n"


def _text(given: Json) -> str:
    text = given.get("text", "")
    return _text(text) if isinstance(text, dict) else str(text)
