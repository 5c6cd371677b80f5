"""One drill at a time, on the running sandbox: it plays by itself, or you play it and it watches.

Each begins with a fresh cluster and a bot that remembers nothing; what was said in the chat before stays there.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from bot.sandbox import drills
from bot.sandbox.console.deeds import DidNotWork
from bot.sandbox.play import ExpectationFailed, Rehearsing, Story, load, rehearse, words
from bot.sandbox.stage import BotDidNotStart, Stage

Json = dict[str, Any]


@dataclass
class _Drill:
    """How far a drill is; `done` counts its steps, `so_far` says what is there while one waits for long."""

    name: str
    story: Story
    by_hand: bool
    done: int = 0
    so_far: str = ""
    outcome: str = ""
    failed: bool = False
    task: asyncio.Task[None] | None = field(default=None, repr=False)


class Rehearsal:
    """Starts drills and shows how far the last one is."""

    def __init__(self, stage: Stage, session: Callable[[], aiohttp.ClientSession]) -> None:
        self._stage = stage
        self._session = session
        self._stories = {name: load(path) for name in drills.names() if (path := drills.find(name))}
        self._now: _Drill | None = None

    def listed(self) -> list[Json]:
        """What can be rehearsed."""
        return [{"name": name, "story": story.story, "learn": story.learn} for name, story in self._stories.items()]

    def shown(self) -> Json | None:
        """The drill that runs or ran last."""
        if (drill := self._now) is None:
            return None
        return {
            "name": drill.name,
            "story": drill.story.story,
            "learn": drill.story.learn,
            "by_hand": drill.by_hand,
            "steps": [words.of(step, by_hand=drill.by_hand) for step in drill.story.steps],
            "done": drill.done,
            "so_far": drill.so_far,
            "outcome": drill.outcome,
            "failed": drill.failed,
        }

    async def start(self, body: Json) -> None:
        """{name, by_hand}"""
        if body["name"] not in self._stories:
            raise DidNotWork(f"There is no drill named {body['name']}.")
        await self.stop()
        drill = _Drill(body["name"], self._stories[body["name"]], by_hand=bool(body.get("by_hand")))
        drill.task = asyncio.create_task(self._run(drill))
        self._now = drill

    async def give_up(self, _: Json) -> None:
        """End it, with the rules that were in force in it, and take its card away; the cluster stays as it is."""
        await self.stop()
        if self._now and (self._now.story.policy or self._now.story.settings):
            await self._stage.restart_bot({})
        self._now = None

    async def stop(self) -> None:
        """End the drill that runs."""
        if self._now and self._now.task and not self._now.task.done():
            self._now.task.cancel()
            await asyncio.gather(self._now.task, return_exceptions=True)

    async def _run(self, drill: _Drill) -> None:
        def advance(done: int) -> None:
            drill.done = done

        def tell(so_far: str) -> None:
            drill.so_far = so_far

        on = Rehearsing(self._stage, self._session(), self._stage.folder, drill.by_hand, advance, tell)
        try:
            await rehearse(drill.story, on)
        except (ExpectationFailed, BotDidNotStart) as failed:
            drill.outcome, drill.failed = str(failed), True
        else:
            drill.outcome = "Passed: the outcome is as it should be."
