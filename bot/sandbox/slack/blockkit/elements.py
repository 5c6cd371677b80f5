"""The interactive elements an app like ours may send, and which block takes which.

Source: docs.slack.dev/reference/block-kit/block-elements, one page per element.
Elements outside these tables are refused as unsupported, even where Slack knows more of them:
the sandbox accepts what its page can draw and its people can use.
"""

from bot.sandbox.slack import limits
from bot.sandbox.slack.blockkit.objects import (
    CHOICE_OPTION,
    CONFIRM,
    OPTION,
    OPTION_GROUP,
    OVERFLOW_OPTION,
    initial_option_is_an_option,
    initial_options_are_options,
    plain_text,
)
from bot.sandbox.slack.blockkit.shapes import (
    Shape,
    array,
    boolean,
    by_type,
    choice,
    exactly_one,
    integer,
    record,
    string,
)

_ID: dict[str, Shape] = {"type": string(), "action_id": string(limits.ACTION_ID, 1)}
_ASKING: dict[str, Shape] = {**_ID, "confirm": CONFIRM}
_FOCUSED: dict[str, Shape] = {**_ASKING, "focus_on_load": boolean}
_PLACEHOLDER = plain_text(limits.PLACEHOLDER)

BUTTON = record(
    {
        **_ASKING,
        "text": plain_text(limits.BUTTON_TEXT),
        "url": string(limits.BUTTON_URL, 1),
        "value": string(limits.BUTTON_VALUE),
        "style": choice("primary", "danger"),
        "accessibility_label": string(limits.BUTTON_ACCESSIBILITY_LABEL),
    },
    ["text"],
)

STATIC_SELECT = record(
    {
        **_FOCUSED,
        "placeholder": _PLACEHOLDER,
        "options": array(OPTION, limits.SELECT_OPTIONS, 1),
        "option_groups": array(OPTION_GROUP, limits.SELECT_OPTION_GROUPS, 1),
        "initial_option": OPTION,
    },
    rules=[exactly_one("options", "option_groups"), initial_option_is_an_option],
)

EXTERNAL_SELECT = record(
    {**_FOCUSED, "placeholder": _PLACEHOLDER, "initial_option": OPTION, "min_query_length": integer(0)}
)

RADIO_BUTTONS = record(
    {
        **_FOCUSED,
        "options": array(CHOICE_OPTION, limits.CHOICE_OPTIONS, 1),
        "initial_option": CHOICE_OPTION,
    },
    ["options"],
    [initial_option_is_an_option],
)

CHECKBOXES = record(
    {
        **_FOCUSED,
        "options": array(CHOICE_OPTION, limits.CHOICE_OPTIONS, 1),
        "initial_options": array(CHOICE_OPTION, limits.CHOICE_OPTIONS, 1),
    },
    ["options"],
    [initial_options_are_options],
)

OVERFLOW = record(
    {**_ASKING, "options": array(OVERFLOW_OPTION, limits.OVERFLOW_OPTIONS, 1)},
    ["options"],
)

DATETIMEPICKER = record({**_FOCUSED, "initial_date_time": integer(1_000_000_000, 9_999_999_999)})

PLAIN_TEXT_INPUT = record(
    {
        **_ID,
        "initial_value": string(limits.PLAIN_TEXT_INPUT_LENGTH),
        "multiline": boolean,
        "min_length": integer(0, limits.PLAIN_TEXT_INPUT_LENGTH),
        "max_length": integer(1, limits.PLAIN_TEXT_INPUT_LENGTH),
        "dispatch_action_config": record(
            {"trigger_actions_on": array(choice("on_enter_pressed", "on_character_entered"), 2, 1)}
        ),
        "focus_on_load": boolean,
        "placeholder": _PLACEHOLDER,
    }
)

IMAGE_ELEMENT = record(
    {
        "type": string(),
        "image_url": string(limits.IMAGE_URL, 1),
        "alt_text": string(limits.IMAGE_ALT_TEXT, 1),
    },
    ["image_url", "alt_text"],
)

_PICKERS: dict[str, Shape] = {
    "static_select": STATIC_SELECT,
    "external_select": EXTERNAL_SELECT,
    "radio_buttons": RADIO_BUTTONS,
    "checkboxes": CHECKBOXES,
}

ACTIONS_ELEMENT = by_type(
    {"button": BUTTON, "overflow": OVERFLOW, "datetimepicker": DATETIMEPICKER, **_PICKERS},
)
ACCESSORY = by_type({"button": BUTTON, "overflow": OVERFLOW, "image": IMAGE_ELEMENT, **_PICKERS})
INPUT_ELEMENT = by_type(
    {"plain_text_input": PLAIN_TEXT_INPUT, "datetimepicker": DATETIMEPICKER, **_PICKERS},
)
