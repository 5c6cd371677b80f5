"""What the VM itself is in: running, paused, being deleted, backed up, waiting for a restart."""

from collections.abc import Iterator

from bot.checks.finding import COLD, LIVE, Check, Finding, block, info, warn
from bot.request import MoveType
from k8s.names import (
    BY_CALL,
    CONDITION_PAUSED,
    CONDITION_RECOVERY,
    CONDITION_RESTART_REQUIRED,
    HALTED,
    SELF_STARTING,
)
from k8s.snapshots import Facts, Instance


def deleting(facts: Facts, type_: MoveType) -> Iterator[Finding]:
    """A VM with a deletionTimestamp is on its way out."""
    if facts.vm.deleting:
        yield block(
            "vm-deleting",
            f"{facts.vm.ref.name} is being deleted.",
            "There is nothing left to move.",
            "VM metadata.deletionTimestamp",
        )


def running(facts: Facts, type_: MoveType) -> Iterator[Finding]:
    """Only a running VMI can move live: admission says "does not exist" or "finalized", or it waits in Pending."""
    if facts.vm.deleting:
        return
    name = facts.vm.ref.name
    if facts.vmi is None:
        if type_ is MoveType.LIVE:
            yield block(
                "vm-stopped",
                f"{name} is not running (status {facts.vm.printable_status}).",
                "Start it first, or place it with --cold: it will then start on that node.",
                "VM status.printableStatus",
            )
    elif type_ is MoveType.COLD and _waits_for_a_node(facts.vmi):
        yield warn(
            "waits-for-a-node",
            f"{name} does not run: it has found no node yet ({facts.vmi.phase or 'Pending'}). This move ends that "
            "start, and starts it on its target.",
            source="VMI phase; status.nodeName is empty",
        )
    elif facts.vmi.phase != "Running" or facts.vmi.deleting:
        phase = "shutting down" if facts.vmi.deleting else facts.vmi.phase
        yield block(
            "vm-not-ready", f"{name} is {phase}, not Running.", "Wait until it runs, then ask again.", "VMI phase"
        )


def _waits_for_a_node(vmi: Instance) -> bool:
    """Its pod never gets a rule that was mended, only one that is made anew (recorded: cold-unschedulable)."""
    return vmi.phase in ("", "Pending", "Scheduling") and not vmi.node and not vmi.deleting


def paused(facts: Facts, type_: MoveType) -> Iterator[Finding]:
    """A paused guest can migrate and stays paused (KubeVirt PR 5384); it cannot answer a shutdown."""
    if facts.vmi is None or not facts.vmi.holds(CONDITION_PAUSED):
        return
    if type_ is MoveType.LIVE:
        yield info("paused", "The VM is paused, and will be paused after the move.", source="VMI condition Paused")
        return
    yield warn(
        "paused",
        "The VM is paused: it cannot shut down by itself, and it will run after the move.",
        "Unpause it first if you can.",
        "VMI condition Paused",
    )


def snapshot(facts: Facts, type_: MoveType) -> Iterator[Finding]:
    """While one is taken or restored, admission refuses a change of the run strategy (pkg/storage/admitters)."""
    for word, name, field in (
        ("snapshot", facts.vm.snapshot, "snapshotInProgress"),
        ("restore", facts.vm.restore, "restoreInProgress"),
    ):
        if not name:
            continue
        text, source = f"A {word} of it is under way: {name}.", f"VM status.{field}"
        if type_ is MoveType.COLD:
            yield block(
                f"{word}-running", text, f"Wait until the {word} is done; the VM cannot be stopped before.", source
            )
        else:
            yield warn(f"{word}-running", text, f"Better wait until the {word} is done.", source)


def backup(facts: Facts, type_: MoveType) -> Iterator[Finding]:
    """A migration stays Pending until that is done (KubeVirt >= 1.8); a stop would tear it."""
    if facts.vmi and facts.vmi.backup:
        yield block(
            "backup-running",
            "A backup or a memory dump of it is running; the move would have to wait for its end.",
            "Wait until that is done, then ask again.",
            "VMI status.changedBlockTracking, spec.utilityVolumes",
        )


def recovery(facts: Facts, type_: MoveType) -> Iterator[Finding]:
    """KubeVirt does not start such a VM until somebody has put its volumes right."""
    condition = facts.vm.condition(CONDITION_RECOVERY)
    if condition is None or not facts.vm.holds(CONDITION_RECOVERY):
        return
    words = condition.message or condition.reason or "a move of its disks has failed"
    text, source = f"KubeVirt waits for its recovery by hand: {words}.", f"VM condition {CONDITION_RECOVERY}"
    if type_ is MoveType.COLD:
        yield block("recovery-required", text, "Put its volumes right first; once stopped it would not start.", source)
    else:
        yield warn("recovery-required", text, "Put its volumes right soon; once stopped it will not start.", source)


def restart_required(facts: Facts, type_: MoveType) -> Iterator[Finding]:
    """Changes of the template that the guest has not got yet come with its next start."""
    if not facts.vm.holds(CONDITION_RESTART_REQUIRED):
        return
    source = f"VM condition {CONDITION_RESTART_REQUIRED}"
    if type_ is MoveType.COLD:
        yield warn(
            "restart-required",
            "It has changes that wait for a restart: with this move it starts with them.",
            "Make sure that they are wanted.",
            source,
        )
    else:
        yield info(
            "restart-required", "It has changes that wait for a restart; a live move does not apply them.", "", source
        )


def strategy(facts: Facts, type_: MoveType) -> Iterator[Finding]:
    """A cold move knows how to stop and start VMs of these strategies; the start and stop endpoints take a call for
    WaitAsReceiver and do nothing (KubeVirt pkg/virt-api/rest/lifecycle.go)."""
    given = facts.vm.run_strategy
    if given is not None and given not in (*SELF_STARTING, *BY_CALL, HALTED):
        yield block(
            "run-strategy",
            f"Its run strategy is {given}: it cannot be stopped and started again.",
            "Give it another run strategy first.",
            "VM spec.runStrategy",
        )


CHECKS = (
    Check("the VM is not being deleted", deleting),
    Check("the VM runs", running, LIVE),
    Check("the VM is in no transition", running, COLD),
    Check("its run strategy can be stopped and started", strategy, COLD),
    Check("the VM is not paused", paused),
    Check("no snapshot or restore of it is under way", snapshot),
    Check("no backup of it is running", backup),
    Check("KubeVirt asks for no recovery by hand", recovery),
    Check("no change waits for a restart", restart_required),
)
