"""trigger_id: a permit to open one modal for one person, good for three seconds and one use.

Source: docs.slack.dev/interactivity/handling-user-interaction and the error words of views.open.
"""

import itertools
from dataclasses import dataclass

from bot.sandbox.slack.clock import Clock
from bot.sandbox.slack.errors import SlackError

LIFETIME = 3.0
"""Seconds."""


@dataclass
class _Trigger:
    person_id: str
    expires: float
    is_used: bool = False


class Triggers:
    """Hands out and takes back trigger ids."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._numbers = itertools.count(1)
        self._triggers: dict[str, _Trigger] = {}

    def issue(self, person_id: str) -> str:
        number = next(self._numbers)
        trigger_id = f"{1_000_000 + number}.{2_000_000}.{number:032x}"
        self._triggers[trigger_id] = _Trigger(person_id, self._clock.now() + LIFETIME)
        return trigger_id

    def exchange(self, trigger_id: str) -> str:
        """The person behind a trigger, once and in time; else one of Slack's three refusals."""
        trigger = self._triggers.get(trigger_id)
        if trigger is None:
            raise SlackError("invalid_trigger_id")
        if trigger.is_used:
            raise SlackError("exchanged_trigger_id")
        if self._clock.now() > trigger.expires:
            raise SlackError("expired_trigger_id")
        trigger.is_used = True
        return trigger.person_id
