"""The block validator: one message with everything in it is right; each rule, broken alone, is caught at its spot."""

import copy
import json
from typing import Any

import pytest
import slackblocks._limits as independent
from hypothesis import given
from hypothesis import strategies as st

from bot.sandbox.slack import limits
from bot.sandbox.slack.blockkit import check_message, check_view
from bot.sandbox.slack.errors import SlackError

Json = dict[str, Any]


def plain(text: str = "text") -> Json:
    return {"type": "plain_text", "text": text}


def mrkdwn(text: str = "text") -> Json:
    return {"type": "mrkdwn", "text": text}


def option(value: str = "one", **extra: Any) -> Json:
    return {"text": plain(value), "value": value, **extra}


def options(count: int) -> list[Json]:
    return [option(str(number)) for number in range(count)]


def button(action_id: str = "go", **extra: Any) -> Json:
    return {"type": "button", "action_id": action_id, "text": plain("Go"), **extra}


def buttons(count: int) -> list[Json]:
    return [button(str(number)) for number in range(count)]


CONFIRM = {"title": plain(), "text": mrkdwn(), "confirm": plain("Yes"), "deny": plain("No"), "style": "danger"}


def section(**extra: Any) -> Json:
    return {"type": "section", "text": mrkdwn(), **extra}


def actions(*elements: Json) -> Json:
    return {"type": "actions", "elements": list(elements)}


def context(*elements: Json) -> Json:
    return {"type": "context", "elements": list(elements)}


def image(**extra: Any) -> Json:
    return {"type": "image", "image_url": "http://127.0.0.1/x.png", "alt_text": "a picture", **extra}


def text_input(**extra: Any) -> Json:
    return {"type": "plain_text_input", "action_id": "typed", **extra}


def input_block(element: Json | None = None, **extra: Any) -> Json:
    return {"type": "input", "label": plain("Node"), "element": element or text_input(), **extra}


def rich(*parts: Json) -> Json:
    return {"type": "rich_text", "elements": list(parts)}


def rich_section(*elements: Json) -> Json:
    return {"type": "rich_text_section", "elements": list(elements)}


def table(*rows: list[Json], **extra: Any) -> Json:
    return {"type": "table", "rows": list(rows), **extra}


def cell(text: str = "x") -> Json:
    return {"type": "raw_text", "text": text}


STATIC = {"type": "static_select", "action_id": "s", "placeholder": plain(), "options": options(2)}
GROUPED = {
    "type": "static_select",
    "action_id": "g",
    "option_groups": [{"label": plain("zone"), "options": options(2)}],
    "initial_option": option("1"),
}
EXTERNAL = {"type": "external_select", "action_id": "e", "min_query_length": 0, "initial_option": option()}
RADIO = {"type": "radio_buttons", "action_id": "r", "options": options(2), "initial_option": option("0")}
CHECKS = {"type": "checkboxes", "action_id": "c", "options": options(2), "initial_options": [option("1")]}
OVERFLOW = {"type": "overflow", "action_id": "o", "options": [option(url="http://127.0.0.1/")]}
PICKER = {"type": "datetimepicker", "action_id": "d", "initial_date_time": 1_766_000_000}

EVERYTHING = [
    {"type": "header", "text": plain("Move web-01"), "block_id": "head"},
    section(fields=[mrkdwn(), plain()], accessory=button(confirm=CONFIRM), expand=True, block_id="facts"),
    section(accessory=image()),
    section(accessory=OVERFLOW),
    actions(
        button(style="primary", value="1", accessibility_label="Confirm the plan"),
        STATIC,
        GROUPED,
        EXTERNAL,
        RADIO,
        CHECKS,
        OVERFLOW,
        PICKER,
    ),
    context(mrkdwn(), plain(), image()),
    {"type": "divider"},
    image(title=plain()),
    input_block(
        text_input(multiline=True, min_length=1, max_length=10, initial_value="x"), hint=plain(), optional=True
    ),
    input_block(PICKER, dispatch_action=True),
    rich(
        rich_section(
            {"type": "text", "text": "bold", "style": {"bold": True}},
            {"type": "link", "url": "http://127.0.0.1", "text": "link"},
            {"type": "emoji", "name": "tada"},
            {"type": "user", "user_id": "U1"},
            {"type": "usergroup", "usergroup_id": "S1"},
            {"type": "channel", "channel_id": "C1"},
            {"type": "broadcast", "range": "here"},
            {"type": "date", "timestamp": 1, "format": "{date}", "fallback": "then"},
        ),
        {"type": "rich_text_list", "style": "bullet", "indent": 1, "elements": [rich_section()]},
        {"type": "rich_text_quote", "elements": [{"type": "text", "text": "quoted"}]},
        {"type": "rich_text_preformatted", "border": 0, "elements": [{"type": "text", "text": "code"}]},
    ),
    {"type": "markdown", "text": "**hello**"},
    table(
        [cell("VM"), cell("size")],
        [rich(rich_section({"type": "text", "text": "web-01"})), {"type": "raw_number", "value": 4, "text": "4 GiB"}],
        column_settings=[{"align": "left", "is_wrapped": True}, {"align": "right"}],
    ),
]


def refusal(blocks: object) -> tuple[str, list[str]]:
    """The error word and the lines of a refused message."""
    with pytest.raises(SlackError) as refused:
        check_message(blocks)
    errors = refused.value.extra.get("errors", [])
    assert isinstance(errors, list)
    return refused.value.word, errors


def verdict(blocks: object) -> str:
    """`ok` or the error word."""
    try:
        check_message(blocks)
    except SlackError as refused:
        return refused.word
    return "ok"


def test_a_message_with_every_block_and_element_is_accepted() -> None:
    check_message(EVERYTHING)


def test_an_empty_message_has_no_wrong_blocks() -> None:
    check_message([])


BROKEN: list[tuple[str, list[Json], str]] = [
    ("an unknown block", [{"type": "banner"}], "/blocks/0/type"),
    ("a block without type", [{}], "/blocks/0"),
    ("an unknown key", [{"type": "divider", "colour": "red"}], "/blocks/0"),
    ("51 blocks", [{"type": "divider"}] * 51, "/blocks"),
    ("a block_id too long", [{"type": "divider", "block_id": "x" * 256}], "/blocks/0/block_id"),
    ("an empty block_id", [{"type": "divider", "block_id": ""}], "/blocks/0/block_id"),
    ("a block_id twice", [{"type": "divider", "block_id": "a"}] * 2, "/blocks/1/block_id"),
    ("a header too long", [{"type": "header", "text": plain("x" * 151)}], "/blocks/0/text/text"),
    ("a header in mrkdwn", [{"type": "header", "text": mrkdwn()}], "/blocks/0/text/type"),
    ("a header without text", [{"type": "header"}], "/blocks/0"),
    ("an empty header", [{"type": "header", "text": plain("")}], "/blocks/0/text/text"),
    ("a section of nothing", [{"type": "section"}], "/blocks/0"),
    ("a section too long", [section(text=mrkdwn("x" * 3001))], "/blocks/0/text/text"),
    ("an empty section", [section(text=mrkdwn(""))], "/blocks/0/text/text"),
    ("11 fields", [section(fields=[mrkdwn()] * 11)], "/blocks/0/fields"),
    ("no fields", [section(fields=[])], "/blocks/0/fields"),
    ("a field too long", [section(fields=[mrkdwn("x" * 2001)])], "/blocks/0/fields/0/text"),
    ("a bare string as text", [section(text="x")], "/blocks/0/text"),
    ("an input as accessory", [section(accessory=text_input())], "/blocks/0/accessory/type"),
    ("no actions", [actions()], "/blocks/0/elements"),
    ("26 actions", [actions(*buttons(26))], "/blocks/0/elements"),
    ("an input among actions", [actions(text_input())], "/blocks/0/elements/0/type"),
    ("an action_id twice in a block", [actions(button(), button())], "/blocks/0"),
    ("an action_id too long", [actions(button("x" * 256))], "/blocks/0/elements/0/action_id"),
    ("a button text too long", [actions(button(text=plain("x" * 76)))], "/blocks/0/elements/0/text/text"),
    ("a button in mrkdwn", [actions(button(text=mrkdwn()))], "/blocks/0/elements/0/text/type"),
    ("an empty button", [actions(button(text=plain("")))], "/blocks/0/elements/0/text/text"),
    ("a button value too long", [actions(button(value="x" * 2001))], "/blocks/0/elements/0/value"),
    ("a button url too long", [actions(button(url="x" * 3001))], "/blocks/0/elements/0/url"),
    ("a style of its own", [actions(button(style="default"))], "/blocks/0/elements/0/style"),
    ("a label too long", [actions(button(accessibility_label="x" * 76))], "/blocks/0/elements/0/accessibility_label"),
    (
        "a confirm without deny",
        [actions(button(confirm={**CONFIRM} | {"deny": None}))],
        "/blocks/0/elements/0/confirm/deny",
    ),
    (
        "a confirm title too long",
        [actions(button(confirm=CONFIRM | {"title": plain("x" * 101)}))],
        "/blocks/0/elements/0/confirm/title/text",
    ),
    (
        "a confirm text too long",
        [actions(button(confirm=CONFIRM | {"text": plain("x" * 301)}))],
        "/blocks/0/elements/0/confirm/text/text",
    ),
    (
        "a confirm button too long",
        [actions(button(confirm=CONFIRM | {"confirm": plain("x" * 31)}))],
        "/blocks/0/elements/0/confirm/confirm/text",
    ),
    (
        "a confirm of a wrong style",
        [actions(button(confirm=CONFIRM | {"style": "loud"}))],
        "/blocks/0/elements/0/confirm/style",
    ),
    ("a select without options", [actions({"type": "static_select", "action_id": "s"})], "/blocks/0/elements/0"),
    (
        "a select with both kinds",
        [actions(STATIC | {"option_groups": GROUPED["option_groups"]})],
        "/blocks/0/elements/0",
    ),
    ("a select of nothing", [actions(STATIC | {"options": []})], "/blocks/0/elements/0/options"),
    ("101 options", [actions(STATIC | {"options": options(101)})], "/blocks/0/elements/0/options"),
    (
        "101 groups",
        [
            actions(
                GROUPED
                | {"option_groups": [{"label": plain(), "options": options(1)}] * 101, "initial_option": option("0")}
            )
        ],
        "/blocks/0/elements/0/option_groups",
    ),
    (
        "a group label too long",
        [actions(GROUPED | {"option_groups": [{"label": plain("x" * 76), "options": options(2)}]})],
        "/blocks/0/elements/0/option_groups/0/label/text",
    ),
    (
        "an initial option that is none",
        [actions(STATIC | {"initial_option": option("9")})],
        "/blocks/0/elements/0/initial_option",
    ),
    (
        "an initial option with another text",
        [actions(STATIC | {"initial_option": option("1") | {"text": plain("One")}})],
        "/blocks/0/elements/0/initial_option",
    ),
    (
        "a placeholder too long",
        [actions(STATIC | {"placeholder": plain("x" * 151)})],
        "/blocks/0/elements/0/placeholder/text",
    ),
    (
        "an option text too long",
        [actions(STATIC | {"options": [option() | {"text": plain("x" * 76)}]})],
        "/blocks/0/elements/0/options/0/text/text",
    ),
    (
        "an option in mrkdwn",
        [actions(STATIC | {"options": [option() | {"text": mrkdwn()}]})],
        "/blocks/0/elements/0/options/0/text/type",
    ),
    (
        "an option value too long",
        [actions(STATIC | {"options": [option() | {"value": "x" * 151}]})],
        "/blocks/0/elements/0/options/0/value",
    ),
    (
        "an option description too long",
        [actions(STATIC | {"options": [option(description=plain("x" * 76))]})],
        "/blocks/0/elements/0/options/0/description/text",
    ),
    (
        "an option with a url in a select",
        [actions(STATIC | {"options": [option(url="http://x")]})],
        "/blocks/0/elements/0/options/0",
    ),
    (
        "a negative query length",
        [actions(EXTERNAL | {"min_query_length": -1})],
        "/blocks/0/elements/0/min_query_length",
    ),
    ("11 radio buttons", [actions(RADIO | {"options": options(11)})], "/blocks/0/elements/0/options"),
    (
        "a radio that starts nowhere",
        [actions(RADIO | {"initial_option": option("9")})],
        "/blocks/0/elements/0/initial_option",
    ),
    ("11 checkboxes", [actions(CHECKS | {"options": options(11)})], "/blocks/0/elements/0/options"),
    (
        "a checkbox that starts nowhere",
        [actions(CHECKS | {"initial_options": [option("9")]})],
        "/blocks/0/elements/0/initial_options/0",
    ),
    ("6 overflow options", [actions(OVERFLOW | {"options": options(6)})], "/blocks/0/elements/0/options"),
    (
        "an overflow url too long",
        [actions(OVERFLOW | {"options": [option(url="x" * 3001)]})],
        "/blocks/0/elements/0/options/0/url",
    ),
    (
        "a date that is no number",
        [actions(PICKER | {"initial_date_time": "now"})],
        "/blocks/0/elements/0/initial_date_time",
    ),
    (
        "a date in milliseconds",
        [actions(PICKER | {"initial_date_time": 1_766_000_000_000})],
        "/blocks/0/elements/0/initial_date_time",
    ),
    ("11 context elements", [context(*[mrkdwn()] * 11)], "/blocks/0/elements"),
    ("no context elements", [context()], "/blocks/0/elements"),
    ("a button in a context", [context(button())], "/blocks/0/elements/0/type"),
    ("an image without words", [{"type": "image", "image_url": "http://x"}], "/blocks/0"),
    ("an image url too long", [image(image_url="x" * 3001)], "/blocks/0/image_url"),
    ("an alt text too long", [image(alt_text="x" * 2001)], "/blocks/0/alt_text"),
    ("an image title too long", [image(title=plain("x" * 2001))], "/blocks/0/title/text"),
    ("an input without label", [{"type": "input", "element": text_input()}], "/blocks/0"),
    ("a button as input", [input_block(button())], "/blocks/0/element/type"),
    ("an input label too long", [input_block(label=plain("x" * 2001))], "/blocks/0/label/text"),
    ("an input hint too long", [input_block(hint=plain("x" * 2001))], "/blocks/0/hint/text"),
    ("an input that is optional in words", [input_block(optional="yes")], "/blocks/0/optional"),
    ("an input of 3001 characters", [input_block(text_input(max_length=3001))], "/blocks/0/element/max_length"),
    (
        "an input starting too long",
        [input_block(text_input(initial_value="x" * 3001))],
        "/blocks/0/element/initial_value",
    ),
    ("no rich text", [rich()], "/blocks/0/elements"),
    ("plain text as rich text", [rich({"type": "text", "text": "x"})], "/blocks/0/elements/0/type"),
    (
        "an empty rich text element",
        [rich(rich_section({"type": "text", "text": ""}))],
        "/blocks/0/elements/0/elements/0/text",
    ),
    (
        "an unknown rich text style",
        [rich(rich_section({"type": "text", "text": "x", "style": {"loud": True}}))],
        "/blocks/0/elements/0/elements/0/style",
    ),
    ("a list in no style", [rich({"type": "rich_text_list", "elements": []})], "/blocks/0/elements/0"),
    (
        "a list too deep",
        [rich({"type": "rich_text_list", "style": "bullet", "indent": 9, "elements": []})],
        "/blocks/0/elements/0/indent",
    ),
    (
        "a wrong broadcast",
        [rich(rich_section({"type": "broadcast", "range": "all"}))],
        "/blocks/0/elements/0/elements/0/range",
    ),
    ("markdown too long", [{"type": "markdown", "text": "x" * 12_001}], "/blocks/0/text"),
    ("markdown too long in sum", [{"type": "markdown", "text": "x" * 6_001}] * 2, "/blocks"),
    ("a table of nothing", [table()], "/blocks/0/rows"),
    ("101 rows", [table(*[[cell()]] * 101)], "/blocks/0/rows"),
    ("21 columns", [table([cell()] * 21)], "/blocks/0/rows/0"),
    ("rows of different lengths", [table([cell()] * 2, [cell()])], "/blocks/0/rows/1"),
    ("an empty cell", [table([cell("")])], "/blocks/0/rows/0/0/text"),
    ("a cell in mrkdwn", [table([mrkdwn()])], "/blocks/0/rows/0/0/type"),
    ("a number without text", [table([{"type": "raw_number", "value": 1}])], "/blocks/0/rows/0/0"),
    (
        "a wrong alignment",
        [table([cell()], column_settings=[{"align": "middle"}])],
        "/blocks/0/column_settings/0/align",
    ),
]


@pytest.mark.parametrize(("what", "blocks", "pointer"), BROKEN, ids=[what for what, _, _ in BROKEN])
def test_a_broken_rule_is_caught_at_its_spot(what: str, blocks: list[Json], pointer: str) -> None:
    word, errors = refusal(blocks)
    assert word == "invalid_blocks"
    assert [line for line in errors if line.endswith(f"[json-pointer:{pointer}]")], errors


@pytest.mark.parametrize("blocks", [None, "[]", {"type": "divider"}])
def test_blocks_that_are_no_list_have_an_error_of_their_own(blocks: object) -> None:
    assert refusal(blocks)[0] == "invalid_blocks_format"


def test_all_problems_of_a_message_are_named_at_once() -> None:
    _, errors = refusal([{"type": "banner"}, {"type": "header", "text": mrkdwn()}])
    assert len(errors) == 2


def test_two_tables_in_a_message_are_one_too_many() -> None:
    word, errors = refusal([table([cell()]), table([cell()])])
    assert (word, errors) == ("invalid_attachments", ["only_one_table_allowed"])


def test_the_sum_of_a_message_is_limited_although_each_block_is_right() -> None:
    blocks = [section(text=mrkdwn("x" * 3000))] * 4
    check_message(blocks)
    assert refusal([*blocks, section(text=mrkdwn("x" * 1000))])[0] == "msg_blocks_too_long"


@pytest.mark.parametrize("kind", ["markdown", "table"])
def test_blocks_for_messages_are_refused_in_modals(kind: str) -> None:
    block = next(block for block in EVERYTHING if block["type"] == kind)
    with pytest.raises(SlackError):
        check_view({"type": "modal", "title": plain(), "blocks": [block]})


def test_all_other_blocks_are_accepted_in_modals() -> None:
    blocks = [block for block in EVERYTHING if block["type"] not in {"markdown", "table"}]
    check_view({"type": "modal", "title": plain(), "submit": plain(), "blocks": blocks})


def test_checking_changes_nothing() -> None:
    before = copy.deepcopy(EVERYTHING)
    check_message(EVERYTHING)
    assert json.dumps(before) == json.dumps(EVERYTHING)


SCALARS = st.none() | st.booleans() | st.integers() | st.text(max_size=3)
ANY_JSON = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["type", "text", "x"]), inner, max_size=3)
    ),
    max_leaves=5,
)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The path of every value inside a JSON value."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for key, entry in inner for place in places(entry, (*path, key)))]


@given(place=st.sampled_from(places(EVERYTHING)), foreign=ANY_JSON)
def test_whatever_stands_where_it_does_not_belong_is_judged_and_never_crashes(
    place: tuple[Any, ...], foreign: Any
) -> None:
    blocks: Any = copy.deepcopy({"blocks": EVERYTHING})
    *way, last = ("blocks", *place)
    holder = blocks
    for key in way:
        holder = holder[key]
    holder[last] = foreign
    assert verdict(blocks["blocks"]) in {"ok", "invalid_blocks", "invalid_blocks_format"}


SAME_LIMIT = {
    "ACTION_ID": "ACTION_ID_MAX_LENGTH",
    "BLOCK_ID": "BLOCK_ID_MAX_LENGTH",
    "TEXT": "TEXT_MAX_LENGTH",
    "HEADER_TEXT": "HEADER_TEXT_MAX_LENGTH",
    "SECTION_TEXT": "SECTION_TEXT_MAX_LENGTH",
    "SECTION_FIELDS": "SECTION_FIELDS_MAX_ITEMS",
    "SECTION_FIELD_TEXT": "SECTION_FIELDS_ITEM_MAX_LENGTH",
    "ACTIONS_ELEMENTS": "ACTIONS_ELEMENTS_MAX_ITEMS",
    "CONTEXT_ELEMENTS": "CONTEXT_ELEMENTS_MAX_ITEMS",
    "IMAGE_URL": "IMAGE_IMAGE_URL_MAX_LENGTH",
    "IMAGE_ALT_TEXT": "IMAGE_ALT_TEXT_MAX_LENGTH",
    "IMAGE_TITLE": "IMAGE_TITLE_MAX_LENGTH",
    "INPUT_LABEL": "INPUT_LABEL_MAX_LENGTH",
    "INPUT_HINT": "INPUT_HINT_MAX_LENGTH",
    "MARKDOWN_TOTAL_TEXT": "MARKDOWN_TOTAL_TEXT_MAX_LENGTH",
    "TABLE_ROWS": "TABLE_ROWS_MAX_ITEMS",
    "TABLE_COLUMNS": "TABLE_COLUMNS_MAX_ITEMS",
    "RICH_TEXT_LIST_INDENT": "RICH_TEXT_LIST_INDENT_MAX",
    "RICH_TEXT_BORDER": "RICH_TEXT_PREFORMATTED_BORDER_MAX",
    "BUTTON_TEXT": "BUTTON_TEXT_MAX_LENGTH",
    "BUTTON_VALUE": "BUTTON_VALUE_MAX_LENGTH",
    "BUTTON_URL": "BUTTON_URL_MAX_LENGTH",
    "BUTTON_ACCESSIBILITY_LABEL": "BUTTON_ACCESSIBILITY_LABEL_MAX_LENGTH",
    "CONFIRM_TITLE": "CONFIRMATION_TITLE_MAX_LENGTH",
    "CONFIRM_TEXT": "CONFIRMATION_TEXT_MAX_LENGTH",
    "CONFIRM_BUTTON": "CONFIRMATION_CONFIRM_MAX_LENGTH",
    "OPTION_TEXT": "OPTION_TEXT_MAX_LENGTH",
    "OPTION_VALUE": "OPTION_VALUE_MAX_LENGTH",
    "OPTION_DESCRIPTION": "OPTION_DESCRIPTION_MAX_LENGTH",
    "OPTION_URL": "OPTION_URL_MAX_LENGTH",
    "OPTION_GROUP_LABEL": "OPTION_GROUP_LABEL_MAX_LENGTH",
    "SELECT_OPTIONS": "SELECT_OPTIONS_MAX_ITEMS",
    "SELECT_OPTION_GROUPS": "SELECT_OPTION_GROUPS_MAX_ITEMS",
    "OVERFLOW_OPTIONS": "OVERFLOW_OPTIONS_MAX_ITEMS",
    "CHOICE_OPTIONS": "RADIO_BUTTONS_OPTIONS_MAX_ITEMS",
    "PLACEHOLDER": "SELECT_PLACEHOLDER_MAX_LENGTH",
    "PLAIN_TEXT_INPUT_LENGTH": "PLAIN_TEXT_INPUT_MAX_LENGTH_MAX",
    "MESSAGE_BLOCKS": "MESSAGE_BLOCKS_MAX_ITEMS",
    "VIEW_BLOCKS": "VIEW_BLOCKS_MAX_ITEMS",
    "VIEW_TITLE": "VIEW_TITLE_MAX_LENGTH",
    "VIEW_BUTTON": "VIEW_SUBMIT_MAX_LENGTH",
    "VIEW_PRIVATE_METADATA": "VIEW_PRIVATE_METADATA_MAX_LENGTH",
    "VIEW_CALLBACK_ID": "VIEW_CALLBACK_ID_MAX_LENGTH",
    "VIEW_EXTERNAL_ID": "VIEW_EXTERNAL_ID_MAX_LENGTH",
}
NOT_STATED_ELSEWHERE = {
    "VIEW_BYTES",
    "VIEW_STACK",
    "MESSAGE_TEXT",
    "UPDATE_TEXT",
    "MESSAGE_BLOCKS_SIZE",
    "TABLES_PER_MESSAGE",
}


def test_every_limit_agrees_with_an_independent_list() -> None:
    ours = {name: value for name, value in vars(limits).items() if name.isupper()}
    assert ours.keys() == SAME_LIMIT.keys() | NOT_STATED_ELSEWHERE
    theirs = {name: getattr(independent, other) for name, other in SAME_LIMIT.items()}
    assert {name: ours[name] for name in SAME_LIMIT} == theirs
