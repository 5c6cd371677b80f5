"""Many plans to be shown at once, against what Slack lets anybody send: a new message a second in a channel.

The plans have run without Slack; the bot has to post a card, a progress message and a report for each. What counts is
the time until every one stands in its last state, and how often Slack had to refuse.
"""

import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from time import perf_counter

from tests.bench.crowd import begin, many_vms
from tests.bench.rounds import Comparison, Figure, Round
from tests.stories.processes import Ground, until

MOVES = 20
BURST = 5
"""Posts that Slack takes at once in a channel before it wants a second between two."""
GOAL = 1.2
MOST_REFUSED = 5
QUICKLY = 50.0
"""Speed of the cluster's clock: the moves are over long before their messages."""
WITHIN = 240.0


async def measure(place: Ground, tokens: Mapping[str, str]) -> list[Comparison | Figure]:
    """Show them all."""
    database = place.folder / "cards.db"
    settings = {**place.settings(tokens), "VM_MIGRATE_DATABASE_URL": f"sqlite+aiosqlite:///{database}"}
    async with many_vms(place, MOVES) as api:
        await begin(place, range(MOVES), database, shown=False)
        async with api.post("/sandbox/clock", json={"speed": QUICKLY}) as answer:
            answer.raise_for_status()
        started = perf_counter()
        bot = await place.bot(settings)
        await _all_shown(database)
        took, refused = perf_counter() - started, sum("ratelimited" in line for line in bot.lines)
        await bot.kill()
    allowed = float(_posted(database) - BURST)
    return [
        Comparison(f"{MOVES} plans to their last cards", (Round(took, allowed),), GOAL),
        Figure(f"calls that Slack refused for {MOVES} plans", "", (float(refused),), MOST_REFUSED),
    ]


def _posted(database: Path) -> int:
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as beside:
        return int(beside.execute("select count(*) from messages").fetchone()[0])


async def _all_shown(database: Path) -> None:
    waiting = 'select count(*) from plans where "open" or version != shown_version'
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as beside:

        async def look() -> bool | None:
            return not beside.execute(waiting).fetchone()[0] or None

        await until(look, WITHIN, "not all plans are shown")
