"""Using an element of a message or of a modal: block_actions.

Source: docs.slack.dev/reference/interaction-payloads/block_actions-payload. Nothing in Slack limits who may use a
visible element; whether the person sees the message at all is checked by the caller.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from bot.sandbox.slack import payloads
from bot.sandbox.slack.backend import Backend
from bot.sandbox.slack.blockkit.values import entry
from bot.sandbox.slack.blockkit.walk import each_element
from bot.sandbox.slack.delivery import OPERATION_TIMEOUT, Envelope
from bot.sandbox.slack.errors import SlackError, Undelivered
from bot.sandbox.slack.messages import Message
from bot.sandbox.slack.modals import View
from bot.sandbox.slack.wire import Json
from bot.sandbox.slack.world import Person

FAILED = {
    OPERATION_TIMEOUT: "This app took too long to respond.",
}
NOT_RESPONDING = "This app is not responding right now."

_SHOWN_AGAIN = ("text", "value", "style", "confirm", "placeholder", "initial_option", "initial_options", "url")
"""Keys of an element that Slack repeats in its action."""


@dataclass(frozen=True)
class Target:
    """One element and the block that holds it."""

    block: Json
    element: Json


def find_target(blocks: Iterable[Json], action_id: str, block_id: str | None) -> Target:
    """The element with this action_id; `action_not_found`, or `ambiguous_action` without a block_id."""
    found = [
        Target(block, element)
        for block, element in each_element(blocks)
        if element["action_id"] == action_id and block_id in {None, block["block_id"]}
    ]
    if len(found) != 1:
        raise SlackError("ambiguous_action" if found else "action_not_found")
    return found[0]


async def act_in_message(backend: Backend, person: Person, message: Message, target: Target, picked: object) -> Json:
    """Press or pick in a message."""
    offered = backend.offered.get((message.ts, target.element["action_id"]), [])
    chosen = entry(target.element, picked, offered)
    values = message.values_of(person.id)
    _remember(values, target, chosen)
    response_url = backend.response_urls.issue(person.id, message.channel, message)
    payload = payloads.block_action_in_message(
        backend.world,
        person,
        backend.workspace.rooms[message.channel],
        message,
        _action(backend, target, chosen),
        trigger_id=backend.triggers.issue(person.id),
        response_url=backend.url + response_url,
    )
    return await _deliver(backend, person, payload)


async def act_in_view(backend: Backend, person: Person, view: View, target: Target, picked: object) -> bool:
    """Use an element of a modal; True if the app is told.

    An element of an input block is the person's own until submission, unless the block says `dispatch_action`.
    """
    offered = backend.offered.get((view.id, target.element["action_id"]), [])
    chosen = entry(target.element, picked, offered)
    _remember(view.values, target, chosen)
    if target.block["type"] == "input" and not target.block.get("dispatch_action"):
        return False
    payload = payloads.block_action_in_view(
        backend.world,
        person,
        view,
        _action(backend, target, chosen),
        trigger_id=backend.triggers.issue(person.id),
    )
    await _deliver(backend, person, payload)
    return True


def _remember(values: dict[str, dict[str, Json]], target: Target, chosen: Json) -> None:
    if "type" in chosen:
        values.setdefault(target.block["block_id"], {})[target.element["action_id"]] = chosen


def _action(backend: Backend, target: Target, chosen: Json) -> Json:
    return {
        "type": target.element["type"],
        "action_id": target.element["action_id"],
        "block_id": target.block["block_id"],
        **{key: target.element[key] for key in _SHOWN_AGAIN if key in target.element},
        **chosen,
        "action_ts": backend.workspace.new_ts(),
    }


async def _deliver(backend: Backend, person: Person, payload: Json) -> Json:
    try:
        return await backend.deliver(Envelope.new("interactive", payload))
    except Undelivered as failure:
        backend.feed.toast(person.id, failure.word, FAILED.get(failure.word, NOT_RESPONDING))
        raise
