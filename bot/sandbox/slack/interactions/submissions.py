"""Submitting and closing modals: view_submission with its four answers, view_closed.

Source: docs.slack.dev/surfaces/modals and docs.slack.dev/reference/interaction-payloads/view-interactions-payload.
Required and too long or short inputs never reach the app: Slack's client holds them back.
"""

from contextlib import suppress

from bot.sandbox.slack import payloads
from bot.sandbox.slack.backend import Backend
from bot.sandbox.slack.blockkit.values import Values, entry, is_empty, typed_text
from bot.sandbox.slack.blockkit.walk import each_element
from bot.sandbox.slack.delivery import Envelope
from bot.sandbox.slack.errors import SlackError, Undelivered
from bot.sandbox.slack.modals import View
from bot.sandbox.slack.wire import Json
from bot.sandbox.slack.world import Person

TROUBLE = "We had some trouble connecting. Try again?"


def enter(backend: Backend, view: View, entered: Json) -> None:
    """Type into a view's inputs.

    `entered` is {block_id: {action_id: raw}} or, shorter, {block_id or action_id: raw}; raw as in `values.entry`.
    """
    for key, raw in entered.items():
        wanted = raw if isinstance(raw, dict) else {"": raw}
        for action_id, value in wanted.items():
            block, element = _input(view, key, action_id)
            offered = backend.offered.get((view.id, element["action_id"]), [])
            view.values[block["block_id"]][element["action_id"]] = entry(element, value, offered)


def _input(view: View, key: str, action_id: str) -> tuple[Json, Json]:
    for block, element in each_element(view.blocks):
        names = {block["block_id"], element["action_id"]}
        if (
            key in names
            and action_id in {"", element["action_id"]}
            and element["action_id"] in view.values.get(block["block_id"], {})
        ):
            return block, element
    raise SlackError("input_not_found", detail=key)


async def submit(backend: Backend, person: Person, view: View) -> Json:
    """Press the submit button: {"errors": {...}} stays open, anything else the app answered has been carried out."""
    if held_back := dict(_held_back(view)):
        backend.modals.say_errors(view, held_back)
        return {"errors": held_back}
    payload = payloads.view_submission(backend.world, person, view, trigger_id=backend.triggers.issue(person.id))
    try:
        answer = await backend.deliver(Envelope.new("interactive", payload, accepts_response=True))
    except Undelivered as failure:
        backend.feed.toast(person.id, failure.word, TROUBLE)
        raise
    try:
        _carry_out(backend, view, answer)
    except SlackError as refused:
        backend.feed.toast(person.id, refused.word, TROUBLE)
        raise
    return answer


def _held_back(view: View) -> list[tuple[str, str]]:
    """Field errors of Slack's own client, as (block_id, sentence)."""
    return [
        (block["block_id"], sentence)
        for block, element in each_element(view.blocks)
        if block["type"] == "input" and (sentence := _field_error(block, element, view.values))
    ]


def _field_error(block: Json, element: Json, values: Values) -> str:
    value = values[block["block_id"]][element["action_id"]]
    if is_empty(value):
        return "" if block.get("optional") else "Please complete this required field."
    length = len(typed_text(value))
    if length > element.get("max_length", length):
        return f"Please use at most {element['max_length']} characters."
    if length < element.get("min_length", 0):
        return f"Please use at least {element['min_length']} characters."
    return ""


def _carry_out(backend: Backend, view: View, answer: Json) -> None:
    match answer.get("response_action"):
        case None:
            backend.modals.close(view)
        case "clear":
            backend.modals.clear(view.person_id)
        case "update":
            backend.modals.update(view, answer.get("view", {}))
        case "push":
            backend.modals.push(view.person_id, answer.get("view", {}))
        case "errors":
            backend.modals.say_errors(view, _known_errors(view, answer.get("errors")))
        case _:
            raise SlackError("invalid_response_action")


def _known_errors(view: View, errors: object) -> dict[str, str]:
    """docs modals: keys are block_ids of input blocks; anything else is a failure of the app."""
    inputs = {block["block_id"] for block in view.blocks if block["type"] == "input"}
    if not isinstance(errors, dict) or not errors or not inputs.issuperset(errors):
        raise SlackError("invalid_errors")
    return {str(block_id): str(sentence) for block_id, sentence in errors.items()}


async def close(backend: Backend, person: Person, view: View, *, everything: bool) -> None:
    """Dismiss a view, or with `everything` the whole stack; told to the app only where `notify_on_close` says so.

    Nobody waits for the app here: a failure shows nothing, as in Slack.
    """
    cleared = everything or bool(view.definition.get("clear_on_close"))
    closing = [*reversed(backend.modals.stack(person.id))] if cleared else [view]
    for each in closing:
        backend.modals.close(each)
        if each.definition.get("notify_on_close"):
            payload = payloads.view_closed(backend.world, person, each, is_cleared=cleared)
            with suppress(Undelivered):
                await backend.deliver(Envelope.new("interactive", payload))
