"""After an incident: its timeline is read from the log and kept on the plan, so that the chat can show it."""

from datetime import datetime

from bot import incident
from bot.incident import Happened
from bot.ports import DUTIES, Change, Leases, Notifier, Store
from bot.record import Record


class Reviews:
    """Looks for incidents that are over and have no timeline yet."""

    def __init__(self, store: Store, notifier: Notifier, leases: Leases) -> None:
        self._store = store
        self._notifier = notifier
        self._leases = leases

    async def sweep(self, now: datetime) -> None:  # noqa: ARG002  # every sweep is given the moment
        """Tell those; one of several bots does it for all."""
        over = [plan for plan in await self._store.open_plans() if incident.is_over(plan)]
        if not over or await self._leases.take(DUTIES) is None:
            return
        for current in over:
            await self._tell(current)

    async def _tell(self, current: Record) -> None:
        log = [Happened(line.at, line.kind, line.actor, line.details) for line in await self._store.log(current.id)]
        await self._store.update(current.id, lambda newest: Change(incident.review(newest, log)))
        self._notifier.changed(current.id)
