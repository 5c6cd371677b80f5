"""What a change of a Record means to somebody who counts or logs: which plan and which move came into which state."""

import logging
from collections.abc import Iterator
from typing import NamedTuple

from bot.logs import about
from bot.migration import MoveState, PlanState
from bot.record import Record, Run
from bot.request import MoveType

log = logging.getLogger(__name__)


class MoveEntered(NamedTuple):
    """A move has come into a state."""

    key: str
    type: MoveType
    run: Run

    @property
    def state(self) -> MoveState:
        """The new one."""
        return self.run.state


def plan_entered(before: Record | None, after: Record) -> PlanState | None:
    """The plan's new state; None where it is the old one."""
    return after.state if before is None or before.state is not after.state else None


def moves_entered(before: Record | None, after: Record) -> Iterator[MoveEntered]:
    """The moves whose state is another one; none for a new plan or revision, where they begin."""
    if before is None or before.revision != after.revision:
        return
    for move, old, new in zip(after.plan.moves, before.runs, after.runs, strict=True):
        if old.state is not new.state:
            yield MoveEntered(move.key, move.type, new)


class Narrator:
    """Implements `bot.ports.Watching`: logs what happens."""

    def changed(self, before: Record | None, after: Record) -> None:
        """Log each new state."""
        with about(plan=after.id):
            if state := plan_entered(before, after):
                log.info("the plan is %s", state.value)
            for entered in moves_entered(before, after):
                with about(move=entered.key):
                    cause = entered.run.result.cause if entered.run.result else None
                    log.info("the move is %s%s", entered.state.value, f": {cause.code}" if cause else "")

    def shown(self, plan_id: str) -> None:
        """Nothing to log."""
