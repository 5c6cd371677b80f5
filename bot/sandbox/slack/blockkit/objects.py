"""The composition objects of Block Kit: text, option, option group, confirm.

Source: docs.slack.dev/reference/block-kit/composition-objects.
"""

from collections.abc import Iterator

from bot.sandbox.slack import limits
from bot.sandbox.slack.blockkit.shapes import Shape, array, boolean, by_type, choice, problem, record, string
from bot.sandbox.slack.wire import Json


def _plain(longest: int) -> Shape:
    return record({"type": string(), "text": string(longest, 1), "emoji": boolean}, ["text"])


def plain_text(longest: int) -> Shape:
    """A `plain_text` object and nothing else."""
    return by_type({"plain_text": _plain(longest)})


def text(longest: int) -> Shape:
    """A `plain_text` or `mrkdwn` object."""
    mrkdwn = record({"type": string(), "text": string(longest, 1), "verbatim": boolean}, ["text"])
    return by_type({"plain_text": _plain(longest), "mrkdwn": mrkdwn})


CONFIRM = record(
    {
        "title": plain_text(limits.CONFIRM_TITLE),
        "text": text(limits.CONFIRM_TEXT),
        "confirm": plain_text(limits.CONFIRM_BUTTON),
        "deny": plain_text(limits.CONFIRM_BUTTON),
        "style": choice("primary", "danger"),
    },
    ["title", "text", "confirm", "deny"],
)


def _option(label: Shape, description: Shape) -> dict[str, Shape]:
    return {"text": label, "value": string(limits.OPTION_VALUE, 1), "description": description}


OPTION = record(
    _option(plain_text(limits.OPTION_TEXT), plain_text(limits.OPTION_DESCRIPTION)),
    ["text", "value"],
)
CHOICE_OPTION = record(
    _option(text(limits.OPTION_TEXT), text(limits.OPTION_DESCRIPTION)),
    ["text", "value"],
)
OVERFLOW_OPTION = record(
    {
        **_option(plain_text(limits.OPTION_TEXT), plain_text(limits.OPTION_DESCRIPTION)),
        "url": string(limits.OPTION_URL),
    },
    ["text", "value"],
)

OPTION_GROUP = record(
    {"label": plain_text(limits.OPTION_GROUP_LABEL), "options": array(OPTION, limits.SELECT_OPTIONS, 1)},
    ["label", "options"],
)


def options_of(element: Json) -> list[Json]:
    """All options of a choice element, those in groups included."""
    grouped = [option for group in element.get("option_groups", ()) for option in group["options"]]
    return [*element.get("options", ()), *grouped]


def initial_option_is_an_option(element: Json, pointer: str) -> Iterator[str]:
    """docs select-menu-element: `initial_option` "exactly matches one of the options"."""
    initial = element.get("initial_option")
    if initial is not None and initial not in options_of(element):
        yield problem("must exactly match one of the options", f"{pointer}/initial_option")


def initial_options_are_options(element: Json, pointer: str) -> Iterator[str]:
    for index, initial in enumerate(element.get("initial_options", ())):
        if initial not in options_of(element):
            yield problem("must exactly match one of the options", f"{pointer}/initial_options/{index}")
