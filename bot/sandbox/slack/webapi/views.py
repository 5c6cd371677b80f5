"""views.open, views.publish, views.push, views.update. Error words from docs.slack.dev/reference/methods/views.*."""

from bot.sandbox.slack import payloads
from bot.sandbox.slack.errors import SlackError
from bot.sandbox.slack.modals import View
from bot.sandbox.slack.webapi.calls import Call
from bot.sandbox.slack.wire import Json


def open_(call: Call) -> Json:
    definition = _definition(call)
    person_id = call.backend.triggers.exchange(call.text("trigger_id"))
    return _answer(call, call.backend.modals.open(person_id, definition))


def publish(call: Call) -> Json:
    """The Home tab of one person (docs.slack.dev/reference/methods/views.publish)."""
    definition = _definition(call)
    person = call.backend.workspace.person(call.text("user_id"))
    return {"view": call.backend.homes.publish(person.id, definition)}


def push(call: Call) -> Json:
    definition = _definition(call)
    person_id = call.backend.triggers.exchange(call.text("trigger_id"))
    return _answer(call, call.backend.modals.push(person_id, definition))


def update(call: Call) -> Json:
    if not call.maybe("view_id") and not call.maybe("external_id"):
        raise SlackError.with_messages("invalid_arguments", ["must define either `view_id` or `external_id`"])
    view = call.backend.modals.find(call.maybe("view_id"), call.maybe("external_id"))
    return _answer(call, call.backend.modals.update(view, _definition(call), call.maybe("hash") or None))


def _definition(call: Call) -> Json:
    definition = call.structure("view", "invalid_arguments")
    if not isinstance(definition, dict):
        raise SlackError.with_messages("invalid_arguments", ["missing required field: view"])
    return definition


def _answer(call: Call, view: View) -> Json:
    return {"view": payloads.view_body(call.backend.world, view)}
