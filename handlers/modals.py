"""The Modify modal: pure, from a Record to a view, and from what was entered back to a request.

What comes back is never trusted: every field goes through the grammar of `bot.request`, and errors are shown at the
field that caused them.
"""

from collections.abc import Callable, Container, Mapping, Sequence
from typing import TypeVar

from bot import grammar
from bot.errors import BotError
from bot.grammar import ParseError
from bot.ports import NodeChoice
from bot.progress import moving
from bot.ranking import room_words
from bot.record import Record
from bot.request import LONGEST_REASON, MoveRequest, MoveType
from handlers import blocks, refusal
from handlers.blocks import OPTION_VALUE, Block, code, escape
from handlers.ids import ActionId, BlockId, CallbackId, CommandName
from handlers.refusal import FieldErrors
from handlers.values import ElsewhereState, ModalState

SCHEDULER = "*"
"""Value of "Scheduler decides"; no node can have this name."""
AUTOMATIC = "auto"
ANOTHER_NODE = "Another node"
MOST_NODES = 500
"""Nodes on the list, usable ones first: a view may hold 250 kB (docs.slack.dev/surfaces/modals)."""
LONGEST_NAME = 253
_TYPES = {
    AUTOMATIC: ("Automatic", "Live where its disks can be shared, else cold."),
    MoveType.LIVE.value: ("Live", "It keeps running; the network pauses for less than a second."),
    MoveType.COLD.value: ("Cold", "It stops, moves and starts: down for a while. Any disk will do."),
}
"""What each would mean, in a line of 75 characters."""

_FIELDS: Mapping[str, BlockId] = {
    "unknown-vm": BlockId.VM,
    "ambiguous-vm": BlockId.NAMESPACE,
    "unknown-namespace": BlockId.NAMESPACE,
    "unknown-node": BlockId.TARGET,
    "already-there": BlockId.TARGET,
    "bad-node": BlockId.TARGET,
    "same-node": BlockId.TARGET,
}
"""Where a refusal of the service belongs; the others belong to the whole form."""


def choosing(record: Record, nodes: Sequence[NodeChoice], state: ElsewhereState) -> Block:
    """The form that asks for another node, for a VM that does not start on its target."""
    move = moving(record, state.move)
    why = f"*{escape(move.vm, blocks.NAME)}* does not start on {code(move.target_name)}. It is stopped and started on:"
    others = [node for node in nodes if node.usable and node.name != move.target_name]
    if not others:
        nowhere = "I see no other node that takes pods."
        return refusal.form(BotError("no-node", nowhere, "Keep waiting, or bring it home."))
    options = [blocks.option(node.name, node.name) for node in others if len(node.name) <= OPTION_VALUE][:MOST_NODES]
    element: Block = {"type": "static_select", "action_id": ActionId.TARGET.value, **blocks.grouped(options)}
    body = [blocks.section(why), blocks.input_block(BlockId.TARGET, ANOTHER_NODE, element)]
    return blocks.modal(
        ANOTHER_NODE, body, callback_id=CallbackId.ELSEWHERE, metadata=state.dump(), submit="Start it there"
    )


def modify(record: Record, nodes: Sequence[NodeChoice], state: ModalState) -> Block:
    """The form, filled with the plan as it is."""
    request, move = record.plan.asked(0), record.plan.moves[0]
    body = [
        _text(BlockId.VM, ActionId.VM, "VM", request.vm),
        _text(BlockId.NAMESPACE, ActionId.NAMESPACE, "Namespace", move.namespace, optional=True),
        _target(request.target, nodes),
        _type(request.type),
        _reason(request.reason),
    ]
    return blocks.modal(
        title(fresh=state.fresh), body, callback_id=CallbackId.MODIFY, metadata=state.dump(), submit="Plan again"
    )


def title(*, fresh: bool) -> str:
    """Of the form for this plan, or for a fresh one."""
    return "Plan another node" if fresh else "Modify the plan"


def _text(block_id: BlockId, action_id: ActionId, label: str, initial: str, *, optional: bool = False) -> Block:
    element = blocks.text_input(action_id, 2 * LONGEST_NAME, initial=initial)
    hint = "Empty: search every namespace for it." if optional else ""
    return blocks.input_block(block_id, label, element, hint=hint, optional=optional)


def _target(chosen: str | None, nodes: Sequence[NodeChoice]) -> Block:
    known = {node.name for node in nodes}
    missing = [NodeChoice(chosen, usable=False, why="not in the cluster")] if chosen and chosen not in known else []
    fitting = [node for node in (*missing, *nodes) if len(node.name) <= OPTION_VALUE][:MOST_NODES]
    options = [blocks.option("Scheduler decides", SCHEDULER), *(_node(node) for node in fitting)]
    element: Block = {
        "type": "static_select",
        "action_id": ActionId.TARGET.value,
        "initial_option": next((option for option in options if option["value"] == chosen), options[0]),
        **blocks.grouped(options),
    }
    left_out = len(missing) + len(nodes) - len(fitting)
    hint = (
        f"Not on this list for lack of room: {left_out}. Name such a node with {CommandName.MIGRATE}."
        if left_out
        else ""
    )
    return blocks.input_block(BlockId.TARGET, "Target node", element, hint=hint)


def _node(node: NodeChoice) -> Block:
    name = blocks.clip(node.name, 45)
    if not node.usable:
        return blocks.option(f"{name} ({node.why})", node.name)
    if node.free_cpu is None or node.free_memory is None:
        return blocks.option(node.name, node.name, node.why)
    return blocks.option(f"{name} · {room_words(node.free_cpu, node.free_memory)}", node.name, node.why)


def _type(chosen: MoveType | None) -> Block:
    options = [blocks.option(text, value, meaning) for value, (text, meaning) in _TYPES.items()]
    initial = next((option for option in options if option["value"] == (chosen or AUTOMATIC)), options[0])
    element = {
        "type": "radio_buttons",
        "action_id": ActionId.TYPE.value,
        "options": options,
        "initial_option": initial,
    }
    return blocks.input_block(BlockId.TYPE, "How to move it", element)


def _reason(given: str | None) -> Block:
    element = blocks.text_input(ActionId.REASON, LONGEST_REASON, initial=given or "")
    return blocks.input_block(BlockId.REASON, "Why", element, hint="The card shows it.", optional=True)


def carried(record: Record, request: MoveRequest) -> MoveRequest:
    """What the form does not ask for stays as it is, as long as it is still about the same move."""
    before = record.plan.asked(0)
    same = (request.vm, request.target, request.type) == (before.vm, before.target, before.type)
    return request.model_copy(update={"replace_rules": True}) if same and before.replace_rules else request


def read(entered: Callable[[BlockId], str]) -> MoveRequest:
    """The request that the form states. Raises FieldErrors with every field that is wrong."""
    errors: dict[str, str] = {}
    own, vm = _parsed(BlockId.VM, grammar.vm, entered(BlockId.VM), errors) or (None, "")
    given = entered(BlockId.NAMESPACE).strip()
    namespace = _parsed(BlockId.NAMESPACE, grammar.name, given, errors) if given else None
    chosen = entered(BlockId.TARGET).replace(SCHEDULER, "").strip()
    target = _parsed(BlockId.TARGET, grammar.name, chosen, errors) if chosen else None
    type_ = _parsed_type(entered(BlockId.TYPE), errors)
    if own and namespace and own != namespace:
        errors[BlockId.NAMESPACE] = f"The VM field says namespace {own}."
    if errors:
        raise FieldErrors(errors)
    reason = entered(BlockId.REASON)
    return MoveRequest(vm=vm, namespace=own or namespace, target=target, type=type_, reason=reason)


_Read = TypeVar("_Read")


def _parsed(block_id: BlockId, read: Callable[[str], _Read], text: str, errors: dict[str, str]) -> _Read | None:
    """One field as the grammar reads it."""
    try:
        return read(text)
    except ParseError as error:
        errors[block_id] = error.what
        return None


def _parsed_type(text: str, errors: dict[str, str]) -> MoveType | None:
    if text in ("", AUTOMATIC):
        return None
    try:
        return MoveType(text)
    except ValueError:
        errors[BlockId.TYPE] = "Choose one of the three."
        return None


def field_errors(error: BotError, fields: Container[str]) -> dict[str, str]:
    """A refusal of the service at that one of the form's fields that caused it, in a batch at its lines; empty when
    none did."""
    if error.code not in _FIELDS:
        return {}
    places = (_FIELDS[error.code].value, f"{BlockId.LINES}_0")
    return {place: f"{error.what} {error.remedy}" for place in places if place in fields}
