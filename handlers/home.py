"""Somebody opens the app's Home tab; it is drawn anew each time (docs.slack.dev/surfaces/app-home)."""

from collections.abc import Mapping
from typing import Any

from bot.policy import Actor
from handlers import cards
from handlers.cards import Card
from handlers.desk import Desk
from handlers.tasks import Answer


class HomeTab:
    """The listener of app_home_opened events."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def opened(self, body: dict[str, Any]) -> None:
        """The event comes for the tab of messages, too. Bolt has acknowledged it already."""
        event = body.get("event") or {}
        user = event.get("user")
        if event.get("tab") != "home" or not isinstance(user, str):
            return
        answer = self._publisher(user)
        self._desk.spawn(self._show(user, answer), answer)

    async def _show(self, user: str, answer: Answer) -> None:
        async def prove(channels: frozenset[str]) -> Mapping[str, Actor]:
            return await self._desk.identity.actors(user, channels)

        found = await self._desk.service.at_home(user, prove)
        links = await self._desk.links((*found.waiting, *found.running, *found.scheduled, *found.recent))
        await answer(cards.home_card(found, links))

    def _publisher(self, user: str) -> Answer:
        async def publish(card: Card) -> None:
            view = {"type": "home", "blocks": card.stamped()}
            await self._desk.client.views_publish(user_id=user, view=view)

        return publish
