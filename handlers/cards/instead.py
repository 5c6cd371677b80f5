"""The ways round a plan that is blocked, and the list of nodes for one that lacks its target."""

from bot import checks, describe
from bot.instead import Option
from bot.plan import Move
from bot.record import Record
from bot.request import MoveType
from handlers import blocks
from handlers.blocks import Block, code, escape
from handlers.fitting import within
from handlers.ids import ActionId
from handlers.values import NodeRef

_MOST_EXCLUDED = 12
"""Nodes that are named with their reasons; Modify shows them all."""
_MENU = 4_000
"""Characters of the menu of nodes: a dozen of them, see `handlers.fitting`."""


def lacks_node(move: Move) -> bool:
    """Whether only the target is missing, and there are nodes to choose from."""
    return bool(move.instead.nodes) and any(finding.code == checks.NO_TARGET for finding in move.findings)


def nodes(record: Record, move: Move) -> list[Block]:
    """The nodes that pass everything, as a menu where only the target is missing; and why the others do not."""
    if not move.instead.nodes:
        return []
    best = move.instead.nodes[0]
    load = f"; its VMs: {describe.change(best.shift)}" if best.shift else ""
    praise = f"{code(best.node)}: {escape(best.why)}{load}."
    if not lacks_node(move):
        return [blocks.section(f"💡 *What would work:* {praise}"), *_excluded(move)]
    return [blocks.section(f"💡 *The best:* {praise}", _menu(record, move)), *_excluded(move)]


def _menu(record: Record, move: Move) -> Block | None:
    """The best first. What is too long or too much for a menu is for Modify."""
    options = [_option(record, each) for each in move.instead.nodes]
    fitting = within(_MENU, (each for each in options if len(each["value"]) <= blocks.OPTION_VALUE))
    return blocks.select(ActionId.PICK_NODE, fitting, placeholder="Pick a node") if fitting else None


def _excluded(move: Move) -> list[Block]:
    """Nodes that cannot take the VM, in small print."""
    if not move.instead.excluded:
        return []
    named = [f"{code(each.node)} ({escape(each.why)})" for each in move.instead.excluded[:_MOST_EXCLUDED]]
    more = len(move.instead.excluded) - len(named)
    return [blocks.context(f"Not possible: {', '.join(named)}{f' and {more} more' if more > 0 else ''}")]


def buttons(record: Record, move: Move, value: str) -> list[Block]:
    """What works instead, the best first: another node, waiting, a cold move."""
    way = move.instead
    made: list[Block] = []
    if way.nodes and not lacks_node(move):
        made.append(_other_node(record, move))
    if way.wait:
        made.append(blocks.button("Check again", ActionId.CHECK_AGAIN, value))
    if way.cold:
        made.append(blocks.button("Use cold migration instead", ActionId.USE_COLD, value))
    return [made[0] | {"style": "primary"}, *made[1:]] if made else []


def _other_node(record: Record, move: Move) -> Block:
    best, cold = move.instead.nodes[0].node, move.instead.type is MoveType.COLD
    text = f"Move it {'cold ' if cold and move.type is MoveType.LIVE else ''}to {blocks.clip(best, 45)}"
    ref = NodeRef(plan=record.id, revision=record.revision, node=best, cold=cold)
    return blocks.button(text, ActionId.USE_NODE, ref.dump())


def _option(record: Record, option: Option) -> Block:
    hint = describe.change(option.shift) if option.shift else ""
    value = NodeRef(plan=record.id, revision=record.revision, node=option.node).dump()
    return blocks.option(f"{option.node}: {option.why}", value, hint)
