"""The node affinity that a cold move leaves: the question what becomes of it, and the list of all.

The question stands in the report until somebody decides; then the buttons go, and the report says who chose what. Who
chose Later is asked again, see `handlers.cards.reminder`.
"""

from collections.abc import Sequence

from bot.plan import Move
from bot.ports import PinnedVm
from bot.progress import moving
from bot.record import Pin, PinState, Record, Run
from handlers import blocks
from handlers.blocks import Block, code, date, mention
from handlers.cards import parts
from handlers.cards.card import Card
from handlers.fitting import LIST_SIZE, within
from handlers.ids import ActionId, CommandName
from handlers.values import VmRef

MOST_LISTED = 20
"""VMs on the list, if their names are not too long for it; more can be asked for."""

PINS = f"{CommandName.MIGRATE} pins"


def blocks_of(record: Record, index: int) -> list[Block]:
    """The question, or what was decided; nothing where no pin was left."""
    move, run = moving(record, index), record.runs[index]
    if run.pin is None:
        return []
    if run.pin.state is PinState.ASKED and not is_reminded(run):
        return question(record, index)
    return [blocks.section(decided(move, run.pin))]


def is_reminded(run: Run) -> bool:
    """Whether somebody chose Later, and later is now."""
    return run.pin is not None and run.pin.state is PinState.ASKED and run.pin.by is not None


def question(record: Record, index: int) -> list[Block]:
    """What may become of it, with the buttons."""
    return [blocks.section(_question(moving(record, index))), _buttons(record, index)]


def pins_card(pins: Sequence[PinnedVm]) -> Card:
    """The VMs that are pinned, each with its Remove."""
    if not pins:
        text = "📌 No VM carries a node affinity that I have left."
        return Card(text, (blocks.section(text),))
    text = (
        f"📌 *VMs with a node affinity that a cold move has left: {len(pins)}.* None can start on another node. "
        "Remove brings the old placement back; it moves and restarts nothing."
    )
    listed = within(LIST_SIZE, [blocks.section(_listed(pin), _unpin(pin)) for pin in pins[:MOST_LISTED]])
    return Card(text, (blocks.section(text), *listed, *_more(len(pins) - len(listed))))


def unpinned_card(pin: PinnedVm) -> Card:
    """Tells whoever removed a pin from the list."""
    if pin.down:
        text = f"✅ {_name(pin)} has its old placement and run strategy back and is being started."
        return Card(text, (blocks.section(text), blocks.context(f"What is left: {code(PINS)}")))
    text = (
        f"✅ The node affinity of {_name(pin)} to {code(pin.hostname)} is removed; its old placement is back. Where "
        f"changes reach a VM only with its next start (rollout strategy Stage), the one that runs is free after that."
    )
    return Card(text, (blocks.section(text), blocks.context(f"What is left: {code(PINS)}")))


def _question(move: Move) -> str:
    target = code(move.target_name)
    return (
        f"📌 *What becomes of the node affinity?* The VM is pinned to {target}: it stays there, but when that node "
        "fails or is drained it cannot start anywhere else.\n"
        "• *Remove* (recommended): its old placement comes back. It is not moved or restarted by that.\n"
        f"• *Keep*: it stays pinned to {target} for good.\n"
        "• *Later*: it stays pinned for now, and I ask again.\n"
        "Whoever asked for this move or confirmed it decides here; anybody in this channel can remove it with "
        f"{code(PINS)}."
    )


def _buttons(record: Record, index: int) -> Block:
    value = parts.move_value(record, index)
    return blocks.actions(
        blocks.button("Remove", ActionId.PIN_REMOVE, value, style="primary"),
        blocks.button("Keep", ActionId.PIN_KEEP, value),
        blocks.button("Later", ActionId.PIN_LATER, value),
    )


def decided(move: Move, pin: Pin) -> str:
    """Who chose what, and what follows from that."""
    who = f" by {mention(pin.by.user)}" if pin.by else ""
    when = f" at {date(pin.at)}" if pin.at else ""
    target = code(move.target_name)
    match pin.state:
        case PinState.REMOVED:
            return f"📌 *Node affinity removed*{who}{when}. {_freedom(move, pin)}"
        case PinState.KEPT:
            return (
                f"📌 *Node affinity kept*{who}{when}. The VM stays on {target}; when that node fails it cannot start "
                f"anywhere else. To remove it later: {code(PINS)}"
            )
        case PinState.LATER | PinState.ASKED:
            again = " I have asked again, further down in this thread."
            if pin.remind_at:
                again = f" I ask again at {date(pin.remind_at, '{date_short_pretty} {time}')}."
            return (
                f"📌 *Left for later*{who}{when}. The VM is still pinned to {target}.{again} "
                f"To remove it before: {code(PINS)}"
            )


def _freedom(move: Move, pin: Pin) -> str:
    if pin.effective:
        return "It is effective now: the VM has its old placement back and may go to any node that this allows."
    return (
        f"It is effective at the VM's next restart: until then the one that runs is held to {code(move.target_name)}, "
        "for drains and live moves too."
    )


def _listed(pin: PinnedVm) -> str:
    plan = f"plan {code(pin.plan_id)}" + (", which I do not know any more" if pin.lost else "")
    if pin.down:
        return f"⛔ {_name(pin)} was *stopped* by {plan}, and not started again"
    return f"{_name(pin)} → {code(pin.hostname)} · {plan}"


def _name(pin: PinnedVm) -> str:
    return code(f"{pin.namespace}/{pin.name}", 2 * blocks.NAME)


def _unpin(pin: PinnedVm) -> Block:
    value = VmRef(namespace=pin.namespace, vm=pin.name).dump()
    if pin.down:
        return blocks.button("Bring it home", ActionId.UNPIN, value, style="primary")
    return blocks.button("Remove", ActionId.UNPIN, value)


def _more(left_out: int) -> list[Block]:
    if left_out <= 0:
        return []
    return [blocks.context(f"… and {left_out} more. Remove some of these and ask again: {code(PINS)}")]
