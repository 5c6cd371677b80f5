"""Everything one sandbox holds, assembled once and handed to the Web API, the interactions and the people's API.

No rules live here; it is the list of parts and the one place where they are wired.
"""

import random

from bot.sandbox.slack.clock import Clock
from bot.sandbox.slack.delivery import Delivery, Envelope
from bot.sandbox.slack.faults import Faults
from bot.sandbox.slack.feed import Feed
from bot.sandbox.slack.homes import Homes
from bot.sandbox.slack.modals import Modals
from bot.sandbox.slack.ratelimit import RateLimits
from bot.sandbox.slack.requesturl import RequestUrl
from bot.sandbox.slack.responseurls import ResponseUrls
from bot.sandbox.slack.socketmode import SocketMode
from bot.sandbox.slack.triggers import Triggers
from bot.sandbox.slack.wire import Json
from bot.sandbox.slack.workspace import Workspace
from bot.sandbox.slack.world import World


class Backend:
    """The parts. `url` is known once the server listens; `offered` remembers what each external_select showed."""

    def __init__(self, world: World, clock: Clock, request_url: str | None, dice: random.Random) -> None:
        self.world = world
        self.clock = clock
        self.url = ""
        self.has_console = False
        """Whether something is served beside the page for it to show."""
        self.feed = Feed()
        self.workspace = Workspace(world, clock, self.feed)
        self.modals = Modals(self.workspace, self.feed)
        self.homes = Homes(self.workspace, self.feed)
        self.triggers = Triggers(clock)
        self.response_urls = ResponseUrls(self.workspace, clock)
        self.faults = Faults(clock)
        self.rate_limits = RateLimits(clock)
        self.sockets = SocketMode(world.app.id, clock, self.faults, dice, self._tell_presence)
        self.offered: dict[tuple[str, str], list[Json]] = {}
        self._delivery: Delivery = self.sockets
        if request_url is not None:
            self._delivery = RequestUrl(request_url, world.app.credentials.signing_secret, clock)

    def _tell_presence(self, connections: int) -> None:
        """Every screen shows whether the app is connected."""
        self.feed.publish("app_presence", self.workspace.people, connections=connections)

    async def deliver(self, envelope: Envelope) -> Json:
        """The app's answer, or `Undelivered`."""
        return await self._delivery.deliver(envelope)
