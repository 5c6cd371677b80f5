"""The Modify form of a batch: a line for each VM, and how they follow each other. Pure, like `handlers.modals`.

A line is what one would type: deleting it leaves the VM out, moving it changes the order, and node and type are its
words. So one field does what four lists would, also on a phone. Slack's text fields take 3,000 characters; a longer
batch has several of them.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from bot import grammar
from bot.errors import BotError, WhichNamespace
from bot.grammar import ParseError
from bot.plan import Plan
from bot.record import Record
from bot.request import BatchRequest, MoveRequest, Pace
from handlers import blocks
from handlers.blocks import Block
from handlers.fitting import packed
from handlers.ids import ActionId, BlockId, CallbackId
from handlers.refusal import FieldErrors
from handlers.values import ModalState

_FIELD = 3000
"""Characters of a text field (docs.slack.dev/reference/block-kit/block-elements/plain-text-input-element)."""
_FILLED = 2400
"""Characters that are put into one: there must be room for changes."""
MOST_FIELDS = 20

_BESIDE = {"1": "One at a time", **{str(n): f"Up to {n} live moves side by side" for n in (2, 3, 5)}}
_STAGES = {"0": "No groups", **{str(n): f"Groups of {n}" for n in (3, 5, 10, 20)}}
_CLICK = "click"
_PAUSES = {_CLICK: "Until somebody lets it go on", **{str(n): f"{n} min" for n in (1, 5, 15, 30, 60)}}


class Entered(NamedTuple):
    """What the form states."""

    moves: tuple[MoveRequest, ...]
    pace: Pace


def form(record: Record, state: ModalState) -> Block:
    """The form, filled with the plan as it is. Raises BotError for one that no form holds."""
    pace = record.plan.pace
    pause = _CLICK if pace.pause_minutes is None else f"{pace.pause_minutes:g}"
    body = [
        *(_lines(number, lines) for number, lines in enumerate(_pages(record.plan))),
        _choice(BlockId.BESIDE, ActionId.BESIDE, "How many at once", _BESIDE, str(pace.side_by_side)),
        _choice(BlockId.STAGES, ActionId.STAGES, "Groups", _STAGES, str(pace.stage or 0)),
        _choice(BlockId.PAUSES, ActionId.PAUSES, "Pause between groups", _PAUSES, pause),
    ]
    return blocks.modal(
        "Modify the batch", body, callback_id=CallbackId.BATCH, metadata=state.dump(), submit="Plan again"
    )


def _pages(plan: Plan) -> list[str]:
    """The lines, field by field; all of them, since one that is not shown would read as one that is gone."""
    lines = [_line(plan.asked(index)) for index in range(len(plan.moves))]
    pages = packed(lines, _FILLED)
    if len(pages) > MOST_FIELDS:
        raise BotError(
            "too-long-for-a-form", f"A form does not hold {len(lines)} VMs with names like these.", "Ask for fewer VMs."
        )
    return pages


def _line(request: MoveRequest) -> str:
    return str(request.model_copy(update={"reason": None}))


def _lines(number: int, text: str) -> Block:
    element = blocks.text_input(ActionId.LINES, _FIELD, initial=text, multiline=True)
    hint = "Delete a line to leave a VM out, move it to change the order. For example: web-01 to worker-05 --cold"
    label = "VMs, in their order" if number == 0 else "VMs, continued"
    return blocks.input_block(f"{BlockId.LINES}_{number}", label, element, hint="" if number else hint, optional=True)


def _choice(block_id: BlockId, action_id: ActionId, label: str, known: dict[str, str], chosen: str) -> Block:
    own = {} if chosen in known else {chosen: chosen}
    options = {value: blocks.option(text, value) for value, text in (known | own).items()}
    element = {
        "type": "static_select",
        "action_id": action_id.value,
        "options": [*options.values()],
        "initial_option": options[chosen],
    }
    return blocks.input_block(block_id, label, element)


def read(entered: Callable[[str], str]) -> Entered:
    """What was entered. Raises FieldErrors with every field that is wrong."""
    errors: dict[str, str] = {}
    moves: list[MoveRequest] = []
    for number in range(MOST_FIELDS):
        block_id = f"{BlockId.LINES}_{number}"
        try:
            moves += _moves(entered(block_id).splitlines())
        except ParseError as error:
            errors[block_id] = f"{error.what} {error.remedy}"
    if not moves and not errors:
        errors[f"{BlockId.LINES}_0"] = "Leave at least one VM in the plan, or cancel it."
    if errors:
        raise FieldErrors(errors)
    return Entered(tuple(moves), _pace(entered))


def _moves(lines: Iterable[str]) -> list[MoveRequest]:
    return [_move(line) for line in lines if line.strip()]


def _move(line: str) -> MoveRequest:
    request = grammar.parse(line)
    if isinstance(request, MoveRequest):
        return request
    raise ParseError("not-one-vm", f"“{line.strip()}” is not one VM.", "Write one VM on each line.")


def _pace(entered: Callable[[str], str]) -> Pace:
    """As chosen; what a forged form says instead is taken as the usual choice."""
    pause, stages = entered(BlockId.PAUSES), entered(BlockId.STAGES)
    return Pace(
        side_by_side=_number(entered(BlockId.BESIDE), 1, 20),
        stage=int(stages) if stages in _STAGES else None,
        pause_minutes=_number(pause, 1, 1440) if pause not in ("", _CLICK) else None,
    )


def _number(text: str, least: int, most: int) -> int:
    return min(max(int(text), least), most) if text.isdecimal() and len(text) < 6 else least


def changed(plan: Plan, entered: Entered) -> BatchRequest:
    """The request of the next revision. VMs that were found and whose line is gone are left out by name; one that was
    left out and has a line again comes back. Raises WhichNamespace."""
    assert isinstance(plan.request, BatchRequest)
    before = [move.key for move in plan.moves]
    known = (*plan.request.without, *before)
    moves = tuple(_placed(move, known) for move in entered.moves)
    kept = [f"{move.namespace}/{move.vm}" for move in moves]
    found = bool(plan.request.selector or plan.request.evacuate)
    return plan.request.model_copy(
        update={
            "moves": moves,
            "without": tuple(key for key in dict.fromkeys(known) if key not in kept) if found else (),
            "pace": entered.pace,
            "as_listed": plan.request.as_listed or _reordered(before, kept),
        }
    )


def _placed(move: MoveRequest, known: Iterable[str]) -> MoveRequest:
    """With its namespace, where the plan has one VM of that name."""
    if move.namespace:
        return move
    spaces = {space for space, _, vm in (key.partition("/") for key in known) if vm == move.vm}
    if len(spaces) > 1:
        raise WhichNamespace(move.vm, spaces)
    return move.model_copy(update={"namespace": spaces.pop()}) if spaces else move


def _reordered(before: Sequence[str], kept: Iterable[str]) -> bool:
    """Whether what was there before stands in another order now."""
    place = {key: number for number, key in enumerate(before)}
    known = [place[key] for key in kept if key in place]
    return known != sorted(known)
