"""What a plan says before anything is done: facts, steps, what people notice, what happens when it fails."""

from collections.abc import Mapping
from typing import NamedTuple

from bot.checks import Severity
from bot.describe.load import loads
from bot.describe.words import Row, duration, memory, only_places, route, vm
from bot.plan import Move, Plan, StepKind
from bot.request import MoveType


class Effect(NamedTuple):
    """One thing that the people who use the VM get, or have to stand. Names nothing, so it needs no escaping."""

    good: bool
    text: str


SCHEDULER = "Scheduler decides"

_LIVE_TYPE = "Live: the VM keeps running"
_PLACED = "Cold: the VM is stopped, and stays so"

_MODES = {"ReadWriteMany": "RWX", "ReadWriteOnce": "RWO", "ReadOnlyMany": "ROX", "ReadWriteOncePod": "RWOP"}


def type_(move: Move) -> str:
    """How it moves, with what that means for the VM."""
    if move.undecided:
        return "Undecided: live or cold"
    if move.type is MoveType.LIVE:
        return _LIVE_TYPE
    return _PLACED if only_places(move) else f"Cold: the VM stops for {cold_downtime(move)}"


def cold_downtime(move: Move) -> str:
    """How long a cold move keeps a running VM down, by what the bot has measured or else by a rule of thumb."""
    expected = move.estimate
    if expected is None:
        return "about 30-60 s"
    return f"about {duration(expected.p50)}, at worst {duration(expected.p95)}"


def rows(plan: Plan, move: Move) -> tuple[Row, ...]:
    """What is known about a move, each value with how we know."""
    asked = "from the request"
    found = Row("Namespace", move.namespace, _how_found(plan))
    at = Row("Current node", move.source or "none", "read from the VMI" if move.source else "it does not run")
    nowhere = "None yet" if move.type is MoveType.COLD else SCHEDULER
    to = Row("Target node", move.target.name, asked) if move.target else Row("Target node", nowhere, "none was named")
    return (
        Row("VM name", move.vm, asked),
        found,
        at,
        to,
        Row("Migration type", type_(move), move.why_type),
        _storage(move),
        Row("Current status", move.status or "unknown", _status(move)),
        *_size(move),
    )


def _how_found(plan: Plan) -> str:
    if plan.channel_namespace:
        return "this channel's; others have such a VM, too"
    return "found: the only one with this VM" if plan.found_namespace else "from the request"


def summary(move: Move) -> tuple[Row, ...]:
    """What was decided about a move, for when its facts have become history."""
    return (
        Row("VM name", move.vm, ""),
        Row("Namespace", move.namespace, ""),
        Row("Migration type", type_(move), ""),
        Row("Source node", move.source or "none", ""),
        Row("Target node", move.target.name if move.target else SCHEDULER, ""),
    )


def _status(move: Move) -> str:
    if move.type is MoveType.LIVE:
        return "read from the VM"
    return "it is not started" if only_places(move) else "will be stopped and started again"


def _storage(move: Move) -> Row:
    if not move.disks:
        return Row("Storage type", "no persistent disk", "live move possible")
    unshared = [disk for disk in move.disks if disk.access_modes and not disk.shared]
    unknown = [disk for disk in move.disks if not disk.access_modes]
    if unknown and not unshared:
        return Row("Storage type", "unknown", f"disk {unknown[0].name}: its access modes cannot be read")
    modes = unshared[0].access_modes if unshared else ("ReadWriteMany",)
    value = ", ".join(f"{_MODES[mode]} ({mode})" if mode in _MODES else mode for mode in modes)
    if unshared:
        return Row("Storage type", value, f"disk {unshared[0].name}: one node at a time, no live move")
    names = move.disks[0].name if len(move.disks) == 1 else f"{len(move.disks)} disks"
    return Row("Storage type", value, f"{names}: live move possible")


def _size(move: Move) -> tuple[Row, ...]:
    if not move.memory_bytes:
        return ()
    read = "read from the VMI" if move.source else "read from the VM"
    return (Row("Size", f"{move.vcpus} vCPU, {memory(move.memory_bytes)} memory", read),)


_STEPS: Mapping[StepKind, str] = {
    StepKind.PROVE: "Read the VM and its nodes again, and stop if anything in this plan has changed.",
    StepKind.MIGRATE: "Create a VirtualMachineInstanceMigration (VMIM) that moves {vm} to {target}.",
    StepKind.FOLLOW: (
        "KubeVirt starts a second virt-launcher pod on the target, copies the memory while the VM runs, "
        "switches the network over and removes the old pod. Each phase is shown as it is reached."
    ),
    StepKind.VERIFY: "Read where the VM really runs, and report it.",
    StepKind.STOP: "Note on {vm} what it has now (run strategy and affinity), and stop it.",
    StepKind.GONE: "Wait until the guest and its virt-launcher pod are gone; until then they hold the disks.",
    StepKind.START: "Pin it to {target} with a required node affinity and start it, in one change.",
    StepKind.ARRIVE: "Watch it come up.",
    StepKind.PLACE: "Pin {vm} to {target} with a required node affinity. It is not started.",
    StepKind.RETURN: "Give {vm} its old placement back, and start it.",
}
_LED = (
    "Pin {vm} to {target} with a required node affinity, create a VirtualMachineInstanceMigration (VMIM), and take the "
    "pin off again at its end, however it ends."
)
_FREED = "Remove the pin that an earlier move of mine has left on {vm}; it does not come back. "
_PIN_STAYS = "Afterwards you choose what becomes of the pin: remove it, keep it, or decide later."


def steps(move: Move) -> tuple[str, ...]:
    """What will happen, in order."""
    words = {**_STEPS, StepKind.MIGRATE: _LED} if move.led else _STEPS
    if move.frees_pin:
        words = {**words, StepKind.MIGRATE: _FREED + words[StepKind.MIGRATE]}
    lines = [words[step].format(vm=vm(move), target=move.target_name) for step in move.steps]
    return (*lines, _PIN_STAYS) if move.type is MoveType.COLD else tuple(lines)


_LIVE = (
    Effect(good=True, text="No downtime: the VM and its applications keep running."),
    Effect(good=False, text="The network pauses for less than a second when it switches over."),
    Effect(good=False, text="The memory is copied over the network; a large or busy VM takes longer."),
)
_COLD = (
    Effect(good=False, text="Its applications stop, and network connections drop."),
    Effect(good=True, text="It works with any disk (RWO or RWX), and no memory is copied."),
)
_PLACE = (Effect(good=True, text="No downtime is added: the VM does not run, and nothing starts or stops it."),)
_PINNED = Effect(
    good=False, text="While the pin is there the VM cannot start on another node, also when the target fails."
)


def impact(move: Move) -> tuple[Effect, ...]:
    """What people notice of it."""
    if move.type is MoveType.LIVE:
        return _LIVE
    if only_places(move):
        return (*_PLACE, _PINNED)
    down = f"Downtime of {cold_downtime(move)}; a guest that is slow to shut down takes longer."
    return (Effect(good=False, text=down), *_COLD, _PINNED)


def estimate(move: Move) -> Row:
    """How long it takes, or how long the VM is down, and how we know."""
    if only_places(move):
        return Row("Estimated downtime", "none, it does not run", "")
    if move.type is MoveType.COLD:
        return Row("Estimated downtime", f"{cold_downtime(move)}{_basis(move)}", "")
    size = f" (this VM: {memory(move.memory_bytes)})" if move.memory_bytes else ""
    return Row("Estimated duration", f"about 30-60 s for a typical VM; it depends on the memory size{size}", "")


def _basis(move: Move) -> str:
    if move.estimate is None:
        return ", while the VM restarts"
    return f"; measured on {move.estimate.count} cold moves of this {'VM' if move.estimate.own else 'bot'}"


def rollback(move: Move) -> str:
    """What happens when it fails."""
    if only_places(move):
        return "Removing the pin afterwards restores the placement that the VM has now."
    if move.type is MoveType.COLD:
        return (
            f"If the VM does not start on {move.target_name}, it gets its old placement back and is started; "
            "the report says where it runs."
        )
    return f"If the move fails, the VM keeps running on {move.source or 'its node'}; the report says where it is."


def pin_note(move: Move) -> str:
    """Why a cold move pins, and what that means later; empty for a live one, which leaves no pin."""
    if move.type is MoveType.LIVE:
        return ""
    return (
        f"Only a rule on the VM makes the scheduler choose {move.target_name}. A required node affinity can be taken "
        "away again without touching anything else that the VM has. As long as it stays, the VM waits for "
        f"{move.target_name} when that node fails or is drained."
    )


def plan_text(plan: Plan) -> str:
    """The whole plan for a terminal."""
    return "\n\n".join(_move_text(plan, move) for move in plan.moves)


def _move_text(plan: Plan, move: Move) -> str:
    parts = [f"Move plan: {vm(move)} {route(move)}", _table(rows(plan, move))]
    for severity, title in ((Severity.BLOCK, "Blocked"), (Severity.WARN, "Warning"), (Severity.INFO, "Note")):
        found = [finding for finding in move.findings if finding.severity is severity]
        parts += [f"{title}: {finding.text} {finding.remedy}".rstrip() for finding in found]
    parts += ["Nodes, before and after (given to VMs):", _table(loads(move))] if move.shifts else []
    return "\n".join(parts if move.blocked else [*parts, *_outlook_text(move)])


def _outlook_text(move: Move) -> list[str]:
    expected, note = estimate(move), pin_note(move)
    return [
        "What will happen:\n" + "\n".join(f"  {n}. {line}" for n, line in enumerate(steps(move), 1)),
        "Impact:\n" + "\n".join(f"  {'+' if effect.good else '!'} {effect.text}" for effect in impact(move)),
        f"{expected.label}: {expected.value}.",
        f"Rollback: {rollback(move)}",
        *([f"The pin: {note}"] if note else []),
    ]


def _table(table: tuple[Row, ...]) -> str:
    label = max(len(row.label) for row in table)
    value = max(len(row.value) for row in table)
    return "\n".join(f"  {row.label:<{label}}  {row.value:<{value}}  {row.detail}" for row in table)
