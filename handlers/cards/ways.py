"""What to do about a failure: its buttons, and the runbook that one of them opens.

Every button leads to a fresh plan card; the safest is the first and the only coloured one.
"""

from bot import runbooks
from bot.diagnosis import Cause, WayOn
from bot.record import Record
from bot.request import MoveType
from handlers import blocks
from handlers.blocks import Block
from handlers.cards import parts
from handlers.cards.card import Card
from handlers.ids import ActionId, Slot
from handlers.values import PlanRef

_BUTTONS = {
    WayOn.AGAIN: ("Plan again", ActionId.AGAIN),
    WayOn.OTHER_NODE: ("Another node", ActionId.OTHER_NODE),
    WayOn.COLD: ("Use cold migration", ActionId.USE_COLD),
}


def buttons(record: Record, index: int, cause: Cause) -> list[Block]:
    """The ways on from here, then the runbook, unless it is open."""
    value = PlanRef(plan=record.id, revision=record.revision).dump()
    cold = record.plan.moves[index].type is MoveType.COLD
    ways = [way for way in dict.fromkeys((*cause.ways, WayOn.AGAIN)) if not (cold and way is WayOn.COLD)]
    made = [_button(way, value, first=way is ways[0]) for way in ways]
    return [*made, *_runbook(record, index, cause)]


def _button(way: WayOn, value: str, *, first: bool) -> Block:
    text, action_id = _BUTTONS[way]
    return blocks.button(text, action_id, value, style="primary" if first else None)


def _runbook(record: Record, index: int, cause: Cause) -> list[Block]:
    if record.runs[index].runbook or runbooks.find(cause.code) is None:
        return []
    return [blocks.button("Open the runbook", ActionId.RUNBOOK, parts.move_value(record, index))]


def runbook_slot(index: int) -> str:
    """The message of a move's runbook."""
    return f"{Slot.RUNBOOK}_{index}"


def runbook_card(record: Record, index: int) -> Card | None:
    """What to do about the cause, as a message of its own; None where nobody asked or there is none."""
    run = record.runs[index]
    cause, cli = run.result.cause if run.runbook and run.result else None, record.plan.moves[index].cli
    found = runbooks.find(cause.code, cli) if cause else None
    if found is None:
        return None
    title = f"📖 *Runbook: {found.title}*"
    return Card(title, (blocks.section(title), blocks.section(found.text)))


def named(cause: Cause) -> str:
    """The runbook's title for a sentence; empty where there is none."""
    found = runbooks.find(cause.code)
    return found.title if found else ""
