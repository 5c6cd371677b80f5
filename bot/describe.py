"""The words of a move, shared by the cards and the terminal.

Pure: from a plan or a run to plain sentences and rows; no markup, no emoji, nothing escaped. Names in the results are
raw, and whoever renders them escapes them. What will happen is told from the move's own steps, in the order in which
the executor takes them. An estimate is a rule of thumb, never a promise.
"""

from collections.abc import Mapping
from datetime import timedelta
from itertools import pairwise
from typing import NamedTuple

from bot.checks import Severity
from bot.plan import Move, Plan, StepKind
from bot.record import Result, Run
from bot.request import MoveType


class Row(NamedTuple):
    """One line of a plan's table: `detail` says how we know the value."""

    label: str
    value: str
    detail: str


class Effect(NamedTuple):
    """One thing that the people who use the VM get, or have to stand."""

    good: bool
    text: str


class PhaseTime(NamedTuple):
    """A phase of the VMIM and how long it took; None while it lasts or when it is the last."""

    name: str
    words: str
    took: timedelta | None


SCHEDULER = "Scheduler decides"

TYPES: Mapping[MoveType, str] = {
    MoveType.LIVE: "Live: the VM keeps running",
    MoveType.COLD: "Cold: the VM stops for about 30-60 s",
}

PHASES: Mapping[str, str] = {
    "": "handed to KubeVirt",
    "Pending": "waits for its turn in the cluster",
    "Scheduling": "looks for a place on the target node",
    "Scheduled": "has a place on the target node",
    "PreparingTarget": "the target node gets ready",
    "TargetReady": "the target node is ready",
    "Running": "copies the memory; the VM keeps running",
    "Succeeded": "done",
    "Failed": "ended without success",
}
"""What a VMIM's phase means to people (kubevirt.io/api core/v1 VirtualMachineInstanceMigrationPhase)."""

_MODES = {"ReadWriteMany": "RWX", "ReadWriteOnce": "RWO", "ReadOnlyMany": "ROX", "ReadWriteOncePod": "RWOP"}


def phase(name: str) -> str:
    """A phase in words; one that this version does not know is simply under way."""
    return PHASES.get(name, "under way")


def duration(span: timedelta) -> str:
    """ "45 s", "1 min 20 s", "1 h 5 min"; never negative."""
    seconds = max(0, round(span.total_seconds()))
    if seconds < 60:
        return f"{seconds} s"
    if seconds < 3600:
        return _two(seconds // 60, "min", seconds % 60, "s")
    return _two(seconds // 3600, "h", seconds % 3600 // 60, "min")


def _two(large: int, large_unit: str, small: int, small_unit: str) -> str:
    return f"{large} {large_unit}" + (f" {small} {small_unit}" if small else "")


def memory(size: int) -> str:
    """Bytes as "8 GiB", "1.5 GiB" or "512 MiB"."""
    gib = size / 1024**3
    return f"{gib:.1f}".removesuffix(".0") + " GiB" if gib >= 1 else f"{round(size / 1024**2)} MiB"


def vm(move: Move) -> str:
    """The VM with its namespace."""
    return f"{move.vm} ({move.namespace})"


def route(move: Move) -> str:
    """From where to where, for a sentence."""
    start = f"from {move.source} " if move.source else ""
    return f"{start}to {move.target_name}"


def rows(plan: Plan, move: Move) -> tuple[Row, ...]:
    """What is known about a move, each value with how we know."""
    asked = "from the request"
    found = Row("Namespace", move.namespace, "found: the only one with this VM" if plan.found_namespace else asked)
    at = Row("Current node", move.source or "none", "read from the VMI" if move.source else "it does not run")
    to = Row("Target node", move.target.name, asked) if move.target else Row("Target node", SCHEDULER, "none was named")
    return (
        Row("VM name", move.vm, asked),
        found,
        at,
        to,
        Row("Migration type", TYPES[move.type], move.why_type),
        _storage(move),
        Row("Current status", move.status or "unknown", "read from the VM"),
        *_size(move),
    )


def summary(move: Move) -> tuple[Row, ...]:
    """What was decided about a move, for when its facts have become history."""
    return (
        Row("VM name", move.vm, ""),
        Row("Namespace", move.namespace, ""),
        Row("Migration type", TYPES[move.type], ""),
        Row("Source node", move.source, ""),
        Row("Target node", move.target.name if move.target else SCHEDULER, ""),
    )


def _storage(move: Move) -> Row:
    if not move.disks:
        return Row("Storage type", "no persistent disk", "live move possible")
    unshared = [disk for disk in move.disks if not disk.shared]
    modes = unshared[0].access_modes if unshared else ("ReadWriteMany",)
    value = ", ".join(f"{_MODES[mode]} ({mode})" if mode in _MODES else mode for mode in modes) or "unknown"
    if unshared:
        return Row("Storage type", value, f"disk {unshared[0].name}: one node at a time, no live move")
    names = move.disks[0].name if len(move.disks) == 1 else f"{len(move.disks)} disks"
    return Row("Storage type", value, f"{names}: live move possible")


def _size(move: Move) -> tuple[Row, ...]:
    if not move.memory_bytes:
        return ()
    return (Row("Size", f"{move.vcpus} vCPU, {memory(move.memory_bytes)} memory", "read from the VMI"),)


_STEPS: Mapping[StepKind, str] = {
    StepKind.PROVE: "Read the VM and its nodes again, and stop if anything in this plan has changed.",
    StepKind.MIGRATE: "Create a VirtualMachineInstanceMigration (VMIM) that moves {vm} to {target}.",
    StepKind.FOLLOW: (
        "KubeVirt starts a second virt-launcher pod on the target, copies the memory while the VM runs, "
        "switches the network over and removes the old pod. Each phase is shown as it is reached."
    ),
    StepKind.VERIFY: "Read where the VM really runs, and report it.",
}


def steps(move: Move) -> tuple[str, ...]:
    """What will happen, in order."""
    return tuple(_STEPS[step].format(vm=vm(move), target=move.target_name) for step in move.steps)


_EFFECTS: Mapping[MoveType, tuple[Effect, ...]] = {
    MoveType.LIVE: (
        Effect(good=True, text="No downtime: the VM and its applications keep running."),
        Effect(good=False, text="The network pauses for less than a second when it switches over."),
        Effect(good=False, text="The memory is copied over the network; a large or busy VM takes longer."),
    ),
    MoveType.COLD: (
        Effect(good=False, text="Downtime of about 30-60 s: applications stop and connections drop."),
        Effect(good=True, text="It works with any disk."),
    ),
}


def impact(move: Move) -> tuple[Effect, ...]:
    """What people notice of it."""
    return _EFFECTS[move.type]


def estimate(move: Move) -> str:
    """How long it takes, as a rule of thumb."""
    size = f" (this VM: {memory(move.memory_bytes)})" if move.memory_bytes else ""
    return f"about 30-60 s for a typical VM; it depends on the memory size{size}"


def rollback(move: Move) -> str:
    """What happens when it fails."""
    return f"If the move fails, the VM keeps running on {move.source or 'its node'}; the report says where it is."


def look(move: Move) -> str:
    """The command that shows where the VM is."""
    return f"kubectl get vmi -n {move.namespace} {move.vm} -o wide"


def look_closer(move: Move, run: Run) -> str:
    """The command that shows the migration, or the VMI when there was none, with its events."""
    kind, name = ("vmim", run.intent.name) if run.intent else ("vmi", move.vm)
    return f"kubectl describe {kind} -n {move.namespace} {name}"


def back(move: Move) -> str:
    """The request that moves it back."""
    return f"{move.namespace}/{move.vm} {move.source}"


def phase_times(run: Run) -> tuple[PhaseTime, ...]:
    """The phases that were reached, with their lengths by the cluster's clock."""
    ends = [after.at - before.at for before, after in pairwise(run.phases)]
    return tuple(
        PhaseTime(reached.name, phase(reached.name), took)
        for reached, took in zip(run.phases, [*ends, None], strict=False)
    )


def took(result: Result) -> str:
    """How long the migration itself took, by the cluster's clock."""
    if result.started_at is None or result.ended_at is None:
        return "not recorded by the cluster"
    return duration(result.ended_at - result.started_at)


def whereabouts(move: Move, result: Result) -> str:
    """Where the VM is now and whether it runs: the first thing that anybody wants to know after a failure."""
    if not result.node:
        return f"I could not read where {move.vm} is now"
    if not result.running:
        return f"{move.vm} is on {result.node} and is NOT running"
    return f"{move.vm} is on {result.node} and running" + ("" if result.ready else ", but not Ready")


def plan_text(plan: Plan) -> str:
    """The whole plan for a terminal."""
    return "\n\n".join(_move_text(plan, move) for move in plan.moves)


def _move_text(plan: Plan, move: Move) -> str:
    parts = [f"Move plan: {vm(move)} {route(move)}", _table(rows(plan, move))]
    for severity, title in ((Severity.BLOCK, "Blocked"), (Severity.WARN, "Warning"), (Severity.INFO, "Note")):
        found = [finding for finding in move.findings if finding.severity is severity]
        parts += [f"{title}: {finding.text} {finding.remedy}".rstrip() for finding in found]
    if not move.blocked:
        parts += [
            "What will happen:\n" + "\n".join(f"  {n}. {line}" for n, line in enumerate(steps(move), 1)),
            "Impact:\n" + "\n".join(f"  {'+' if effect.good else '!'} {effect.text}" for effect in impact(move)),
            f"Estimated duration: {estimate(move)}.",
            f"Rollback: {rollback(move)}",
        ]
    return "\n".join(parts)


def _table(table: tuple[Row, ...]) -> str:
    label = max(len(row.label) for row in table)
    value = max(len(row.value) for row in table)
    return "\n".join(f"  {row.label:<{label}}  {row.value:<{value}}  {row.detail}" for row in table)
