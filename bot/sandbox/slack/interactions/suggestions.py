"""Options of an external_select, asked of the app while a person types: block_suggestion.

Source: docs.slack.dev/reference/interaction-payloads/block_suggestion-payload; at most 100 options or groups.
"""

from bot.sandbox.slack import limits, payloads
from bot.sandbox.slack.backend import Backend
from bot.sandbox.slack.blockkit.objects import OPTION, OPTION_GROUP, options_of
from bot.sandbox.slack.blockkit.shapes import array
from bot.sandbox.slack.delivery import Envelope
from bot.sandbox.slack.errors import SlackError, Undelivered
from bot.sandbox.slack.interactions.actions import Target
from bot.sandbox.slack.wire import Json
from bot.sandbox.slack.world import Person

DEFAULT_MIN_QUERY_LENGTH = 3
"""docs select-menu-element: `min_query_length` defaults to 3."""

_OPTIONS = array(OPTION, limits.SELECT_OPTIONS)
_OPTION_GROUPS = array(OPTION_GROUP, limits.SELECT_OPTION_GROUPS)


async def suggest(
    backend: Backend, person: Person, source: Json, source_id: str, target: Target, typed: str
) -> list[Json]:
    """The options that the app offers for `typed`; empty below the element's min_query_length."""
    if len(typed) < target.element.get("min_query_length", DEFAULT_MIN_QUERY_LENGTH):
        return []
    payload = payloads.suggestion(backend.world, person, source, target.element, target.block["block_id"], typed)
    try:
        answer = await backend.deliver(Envelope.new("interactive", payload, accepts_response=True))
    except Undelivered as failure:
        backend.feed.toast(person.id, failure.word, "Options could not be loaded.")
        raise
    options = _checked(answer)
    backend.offered[source_id, target.element["action_id"]] = options
    return options


def _checked(answer: Json) -> list[Json]:
    found = [
        *_OPTIONS(answer.get("options", []), "/options"),
        *_OPTION_GROUPS(answer.get("option_groups", []), "/option_groups"),
    ]
    if found:
        raise SlackError.with_messages("invalid_options", found)
    return options_of(answer)
