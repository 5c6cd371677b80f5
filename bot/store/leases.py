"""Who carries what out, where several bots share a database.

Each bot keeps one row alive, until a moment of the database's own clock; what it owns holds as long as that. So the
clocks of the bots do not matter, and a heartbeat costs the same for one run and for hundreds. An owner that has died is
followed by whoever takes the lease next, under a higher epoch: the store refuses what an older owner wants to write
(`SqlStore.update`), and so does the note on the VM (`k8s.note`). For what can be refused by neither, `mine` says no
some seconds before the lease ends, by a clock of this process that goes on while it is stopped.

Where one bot alone can have the database (SQLite), leases do not end, and all that others left are free at the start.
It says once a minute that it lives, so that the next one knows for how long nobody did.
"""

import asyncio
import logging
import time
from collections.abc import Callable
from datetime import timedelta

from sqlalchemy import Update, delete, insert, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from bot.ports import Held
from bot.store.schema import leases, replicas
from bot.store.transactions import database_now, transaction
from bot.store.whole import whole

log = logging.getLogger(__name__)

TERM = 15.0
"""Seconds that a bot may be silent before others take over."""

MARGIN = 5.0
"""Of them the last ones in which the owner begins no more writes: one that has begun is to be over."""

FOR_EVER = 1e12
"""A term where there is nobody else."""

SEEN_EVERY = 60.0
"""Seconds between two signs of life of a bot that nobody waits to follow."""

SKEW_WORTH_SAYING = 5.0
"""Seconds between our clock and the database's; deadlines of plans are counted by ours."""

LONG_GONE = 86400.0
"""Seconds after which the row of a bot that has died is removed."""

NOBODY = ""

UNLESS_THERE = text(
    "INSERT INTO leases (name, replica, epoch, nudged) VALUES (:name, :replica, :epoch, :nudged) ON CONFLICT DO NOTHING"
)
"""As text, since each dialect's own insert would have both dialects imported at every start."""


def boot_clock() -> float:
    """Seconds that go on while the process or the machine is stopped."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


@whole
class SqlLeases:
    """Implements `bot.ports.Leases`."""

    def __init__(
        self,
        engine: AsyncEngine,
        replica: str,
        *,
        alone: bool | None = None,
        clock: Callable[[], float] = boot_clock,
    ) -> None:
        """`alone` says that no other bot can have the database; None: as its engine is."""
        self._engine = engine
        self._replica = replica
        self.alone = engine.dialect.name == "sqlite" if alone is None else alone
        self._term = FOR_EVER if self.alone else TERM
        self._clock = clock
        self._held: dict[str, int] = {}
        self._good_until = 0.0
        self._seen = 0.0
        self._absence = timedelta(0)
        self._turn = asyncio.Lock()  # what is known here changes with the database, not beside it

    async def join(self) -> None:
        """Begin to live. Alone, whoever was here before is gone for certain."""
        async with self._turn:
            begun = self._clock()
            async with transaction(self._engine) as connection:
                self._absence = await self._since_anybody(connection)
                if self.alone:
                    await connection.execute(delete(replicas))
                else:
                    await connection.execute(delete(replicas).where(replicas.c.until < database_now() - LONG_GONE))
                    await _say_skew(connection)
                await self._live_on(connection)
            self._good_until, self._seen = begun + self._term - MARGIN, begun

    @property
    def absence(self) -> timedelta:
        return self._absence

    async def leave(self) -> None:
        """Let others have everything at once."""
        async with self._turn:
            self._held, self._good_until = {}, 0.0
            async with transaction(self._engine) as connection:
                await connection.execute(self._own.values(until=database_now()))

    async def renew(self) -> Held:
        if self.alone:
            await self._say_alive()
            return Held(frozenset(), frozenset())
        async with self._turn:
            begun = self._clock()
            async with transaction(self._engine) as connection:
                await self._live_on(connection)
                query = select(leases.c.name, leases.c.epoch, leases.c.nudged).where(leases.c.replica == self._replica)
                rows = (await connection.execute(query)).all()
            held = {row.name: row.epoch for row in rows}
            lost = frozenset(name for name, epoch in self._held.items() if held.get(name) != epoch)
            self._held, self._good_until = held, begun + self._term - MARGIN
            nudged = frozenset(row.name for row in rows if row.nudged)
            if nudged:
                await self._hear(nudged)
            return Held(lost, nudged)

    async def _hear(self, nudged: frozenset[str]) -> None:
        """In a transaction of its own: whoever takes a lease locks it first, and then the row of its bot."""
        mine = (leases.c.replica == self._replica) & leases.c.name.in_(sorted(nudged))
        async with transaction(self._engine) as connection:
            await connection.execute(update(leases).where(mine).values(nudged=False))

    async def take(self, name: str) -> int | None:
        if (epoch := self.mine(name)) is not None:
            return epoch
        async with self._turn:
            if self.alone and _is_role(name):
                epoch = 1
            else:
                async with transaction(self._engine) as connection:
                    epoch = await self._take(connection, name)
            if epoch is not None:
                self._held[name] = epoch
        return self.mine(name)

    def mine(self, name: str) -> int | None:
        return self._held.get(name) if self._clock() < self._good_until else None

    async def release(self, name: str) -> None:
        async with self._turn:
            self._held.pop(name, None)
            if self.alone and _is_role(name):
                return
            mine = (leases.c.name == name) & (leases.c.replica == self._replica)
            freed = delete(leases) if _is_role(name) else update(leases).values(replica=NOBODY)
            async with transaction(self._engine) as connection:
                await connection.execute(freed.where(mine))

    async def nudge(self, name: str) -> None:
        async with transaction(self._engine) as connection:
            await connection.execute(update(leases).where(leases.c.name == name).values(nudged=True))

    async def elsewhere(self) -> frozenset[str]:
        if self.alone:
            return frozenset()
        query = select(leases.c.name).join(replicas, replicas.c.id == leases.c.replica)
        others = query.where((replicas.c.id != self._replica) & (replicas.c.until > database_now()))
        async with transaction(self._engine) as connection:
            return frozenset((await connection.execute(others)).scalars())

    async def _say_alive(self) -> None:
        if self._clock() - self._seen >= SEEN_EVERY:
            async with self._turn, transaction(self._engine) as connection:
                await self._live_on(connection)
            self._seen = self._clock()

    async def _since_anybody(self, connection: AsyncConnection) -> timedelta:
        """Since the last sign of life of any bot: who leaves says so. A database that is new has missed nobody."""
        now = float((await connection.execute(select(database_now()))).scalar_one())
        ends = (await connection.execute(select(replicas.c.until))).scalars().all()
        seen = max((until if until <= now else until - self._term for until in ends), default=now)
        return timedelta(seconds=max(0.0, now - seen))

    @property
    def _own(self) -> Update:
        return update(replicas).where(replicas.c.id == self._replica)

    async def _live_on(self, connection: AsyncConnection) -> None:
        """Locks the row of this bot, as whoever wants to take something from it does: one after the other."""
        until = database_now() + self._term
        done = await connection.execute(self._own.values(until=until))
        if done.rowcount == 0:
            await connection.execute(insert(replicas).values(id=self._replica, until=until))

    async def _take(self, connection: AsyncConnection, name: str) -> int | None:
        free = {"name": name, "replica": NOBODY, "epoch": 0, "nudged": False}
        await connection.execute(UNLESS_THERE, free)
        found = (await connection.execute(select(leases).where(leases.c.name == name).with_for_update())).one()
        if found.replica == self._replica:
            return int(found.epoch)
        if await _lives(connection, found.replica) or not await _lives(connection, self._replica):
            return None
        taken = {"replica": self._replica, "epoch": found.epoch + 1, "nudged": False}
        await connection.execute(update(leases).where(leases.c.name == name).values(taken))
        return int(found.epoch) + 1


def _is_role(name: str) -> bool:
    """A lease that is no run's: no epoch of it is written anywhere, so none has to be remembered, and alone it is
    nobody else's business."""
    return name.startswith("@")


async def _say_skew(connection: AsyncConnection) -> None:
    skew = time.time() - float((await connection.execute(select(database_now()))).scalar_one())
    if abs(skew) > SKEW_WORTH_SAYING:
        log.warning("this machine's clock and the database's differ by %.0f s", skew)


async def _lives(connection: AsyncConnection, replica: str) -> bool:
    query = select(replicas.c.until > database_now()).where(replicas.c.id == replica).with_for_update(read=True)
    return bool((await connection.execute(query)).scalar())
