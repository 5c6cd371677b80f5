"""What a person enters into an element, in the shape in which Slack reports it (`state.values`, `actions`).

Source: docs.slack.dev/reference/interaction-payloads/view-interactions-payload and block_actions-payload.
"""

from collections.abc import Iterable

from bot.sandbox.slack.blockkit.objects import options_of
from bot.sandbox.slack.blockkit.walk import each_element
from bot.sandbox.slack.wire import Json

Values = dict[str, dict[str, Json]]
"""block_id -> action_id -> the entry of one element."""

_RESULT_KEY = {
    "plain_text_input": "value",
    "static_select": "selected_option",
    "external_select": "selected_option",
    "radio_buttons": "selected_option",
    "checkboxes": "selected_options",
    "datetimepicker": "selected_date_time",
}
_INITIAL_KEY = {
    "plain_text_input": "initial_value",
    "static_select": "initial_option",
    "external_select": "initial_option",
    "radio_buttons": "initial_option",
    "checkboxes": "initial_options",
    "datetimepicker": "initial_date_time",
}


class NotAnOption(Exception):
    """A person cannot pick what the element does not offer."""


def entry(element: Json, raw: object, offered: Iterable[Json] = ()) -> Json:
    """The entry after a person chose `raw`: text, an option's value, a list of them, or seconds since the epoch.

    `offered` are the options an external_select showed last. Buttons give an empty entry.
    """
    kind = element["type"]
    if kind == "overflow":
        return {"selected_option": _option(options_of(element), raw)}
    if kind not in _RESULT_KEY:
        return {}
    return {"type": kind, _RESULT_KEY[kind]: _result(element, raw, [*offered])}


def _result(element: Json, raw: object, offered: list[Json]) -> object:
    match element["type"]:
        case "plain_text_input":
            return str(raw) if raw not in (None, "") else None
        case "checkboxes":
            return [_option(options_of(element), value) for value in raw] if isinstance(raw, list) else []
        case "datetimepicker":
            return _seconds(raw) if raw not in (None, "") else None
        case "external_select":
            initial = [element["initial_option"]] if "initial_option" in element else []
            return _option([*offered, *initial], raw) if raw else None
        case _:
            return _option(options_of(element), raw) if raw else None


def _seconds(raw: object) -> int:
    try:
        return int(str(raw))
    except ValueError:
        raise NotAnOption(f"{raw} are no seconds since the epoch") from None


def _option(options: list[Json], value: object) -> Json:
    for option in options:
        if option["value"] == value:
            return option
    raise NotAnOption(str(value))


def initial_values(blocks: Iterable[Json]) -> Values:
    """The state before anyone touched anything; elements without state (buttons) are not in it."""
    values: Values = {}
    for block, element in each_element(blocks):
        kind = element["type"]
        if kind in _RESULT_KEY:
            nothing: object = [] if kind == "checkboxes" else None
            initial = element.get(_INITIAL_KEY[kind], nothing)
            values.setdefault(block["block_id"], {})[element["action_id"]] = {
                "type": kind,
                _RESULT_KEY[kind]: initial,
            }
    return values


def is_empty(value: Json) -> bool:
    """Whether a required input would still be missing."""
    return value.get(_RESULT_KEY[value["type"]]) in (None, "", [])


def typed_text(value: Json) -> str:
    """What stands in a text input; empty for other elements."""
    return str(value.get("value") or "")
