"""Pieces that several cards share."""

from collections.abc import Iterable

from bot import describe
from bot.describe import Row
from bot.diagnosis import Cause
from bot.migration import PlanState
from bot.plan import Drift, Move
from bot.progress import moving
from bot.record import Record, Run
from bot.request import MoveType
from handlers import blocks
from handlers.blocks import Block, code, escape, mention
from handlers.fitting import paragraphs
from handlers.ids import ActionId
from handlers.values import MoveRef, PlanRef

_MOST_NAMED = 3
"""VMs that a sentence names one by one, so that it stays one."""
_WHY = 900
"""Characters of a cause: one that names what has changed has more of them."""
_MOST_CHANGES = 10
_CHANGED = 70
"""Characters of what changed in the cluster: rules can be long, and there may be many changes."""


def runs(record: Record) -> Iterable[tuple[Move, Run]]:
    """Each move with what it has done."""
    return ((moving(record, index), run) for index, run in enumerate(record.runs))


def title(move: Move) -> str:
    """The move for a header, in which nothing is interpreted."""
    return f"{blocks.clip(move.vm, 50)} → {blocks.clip(move.target.name, 50) if move.target else _nowhere_yet(move)}"


def _nowhere_yet(move: Move) -> str:
    return "which node?" if move.type is MoveType.COLD else "scheduler decides"


def subject(record: Record) -> str:
    """The moves of a plan for a sentence in mrkdwn."""
    return _few([f"{escape(move.vm, blocks.NAME)} {route(move)}" for move in record.plan.moves])


def names(record: Record) -> str:
    """The VMs of a plan for a sentence in mrkdwn."""
    return _few([escape(move.vm, blocks.NAME) for move in record.plan.moves])


def _few(told: list[str]) -> str:
    more = len(told) - _MOST_NAMED
    return ", ".join(told) if more <= 1 else f"{', '.join(told[:_MOST_NAMED])} and {more} more"


def route(move: Move) -> str:
    """From where to where, in mrkdwn."""
    return escape(describe.route(move), 2 * blocks.NAME)


def table(rows: Iterable[Row]) -> Block:
    """Rows as fields: label and value on one line, for a phone; and in small words how we know."""
    return blocks.fields(
        f"*{row.label}*: {code(row.value)}" + (f" _{escape(row.detail, blocks.NAME)}_" if row.detail else "")
        for row in rows
    )


def people(record: Record) -> str:
    """Who asked, who changed it, who confirmed."""
    said = [f"Asked for by {mention(record.requester.user)}"]
    if record.changed_by:
        said.append(f"changed by {mention(record.changed_by.user)}")
    said += [f"confirmed by {mention(given.actor.user)} at {blocks.date(given.at)}" for given in record.approvers]
    return " · ".join(said)


def ended_by(record: Record) -> str:
    """Who ended it, for a sentence."""
    return f" by {mention(record.ended_by.user)}" if record.ended_by else ""


def reason(record: Record) -> list[Block]:
    """Why it is asked for, in people's own words; an incident's is on top."""
    given = None if record.incident else record.plan.request.reason
    return [blocks.context(f"💬 {escape(given)}")] if given else []


def drift(record: Record) -> list[Block]:
    """What has changed in the cluster, and what follows from that."""
    if not record.drift:
        return []
    so = "it was not run" if record.state is PlanState.LAPSED else "this plan needs a new Confirm"
    more = len(record.drift) - _MOST_CHANGES
    lines = [_changed(change) for change in record.drift[:_MOST_CHANGES]]
    lines += [f"… and {more} changes more"] if more > 0 else []
    return paragraphs([f"🔀 *Changed in the cluster*, so {so}:", *lines])


def _changed(change: Drift) -> str:
    what, before, now = (escape(text, _CHANGED) for text in (change.what, change.before, change.now))
    return f"• {what}: ~{before}~ → *{now}*"


def why(cause: Cause | None, lead: str, quoted: int = 10) -> list[Block]:
    """A cause with its remedy, and the cluster's own words, as many as that."""
    if cause is None:
        return []
    text = f"{lead} {escape(cause.what, _WHY)}\n→ {escape(cause.remedy)}"
    return [blocks.section(text), *([blocks.raw(cause.evidence[:quoted])] if cause.evidence else [])]


def again(record: Record) -> Block:
    """A fresh plan from the same request."""
    return blocks.button("Plan again", ActionId.AGAIN, PlanRef(plan=record.id, revision=record.revision).dump())


def move_value(record: Record, index: int) -> str:
    """What a button about one move carries."""
    return MoveRef(plan=record.id, revision=record.revision, move=index).dump()


def move_back(record: Record, index: int) -> list[Block]:
    """The way back for a VM that is known to be elsewhere than it was."""
    move, result = moving(record, index), record.runs[index].result
    if result is None or not move.source or result.node in ("", move.source):
        return []
    return [blocks.button("Move back", ActionId.MOVE_BACK, move_value(record, index))]
