"""One Record for every state of a cold move, made by the same functions that make them in life."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

from bot import approval, calling_off, cold, plan, policy, progress
from bot.diagnosis import Cause, WayOn, diagnose_refusal
from bot.plan import Target
from bot.policy import Action
from bot.record import Choice, Doubt, Elsewhere, Originals, PinState, Record, Result
from bot.request import MoveRequest, MoveType
from bot.sandbox.gallery.facts import DANA, RAVI, proposed, with_vmi
from bot.sandbox.gallery.live import VALID, at
from k8s.errors import Forbidden
from k8s.names import ANNOTATION_NOTE
from k8s.note import Note
from k8s.snapshots import Claim, Facts, Placement, Ref

ASKED = MoveRequest(vm="web-01", target="worker-05", type=MoveType.COLD)
DISK = Claim(Ref("production", "web-01-rootdisk"), ("ReadWriteOnce",))
ONE_NODE = replace(with_vmi(claims={"web-01-rootdisk": ("ReadWriteOnce",)}), claims=(DISK,))
STOPPED = replace(ONE_NODE, vmi=None, vm=replace(ONE_NODE.vm, printable_status="Stopped"))
ORIGINALS = Originals(
    vm_uid="vm-uid", vmi_uid="vmi-uid", run_strategy="Always", running=None, affinity=None, grace_seconds=120
)
WHY = Cause(
    code="capacity",
    what="The target node has too little room for this VM.",
    remedy="Choose a node with more room, or move something else away first.",
    evidence=("0/8 nodes are available: 1 Insufficient memory, 7 node(s) didn't match Pod's node affinity/selector.",),
    ways=(WayOn.OTHER_NODE, WayOn.AGAIN),
)


def cold_proposed() -> Record:
    """Cold by itself, since its disk cannot be shared."""
    return proposed(ONE_NODE)


def cold_measured() -> Record:
    """The bot has moved VMs cold before."""
    before = cold_proposed()
    measured = [timedelta(seconds=seconds) for seconds in (18, 19, 19, 20, 22, 31, 45)]
    move = before.plan.moves[0].model_copy(update={"estimate": plan.estimate((), measured)})
    return before.model_copy(update={"plan": before.plan.model_copy(update={"moves": (move,)})})


def cold_of_stopped() -> Record:
    return proposed(STOPPED, ASKED)


def cold_without_target() -> Record:
    return proposed(replace(ONE_NODE, target=None), ASKED.model_copy(update={"target": None}))


def cold_called_off() -> Record:
    return calling_off.call_off(cold_down(), 0, DANA, at(100))


def cold_over_older_pin() -> Record:
    note = Note("p0", 1, "Always", None, None, "worker-02")
    placement = replace(ONE_NODE.vm.placement, affinity=note.pinned())
    vm = replace(ONE_NODE.vm, annotations={ANNOTATION_NOTE: note.text()}, placement=placement)
    return proposed(replace(ONE_NODE, vm=vm), ASKED)


ZONED = replace(ONE_NODE, vm=replace(ONE_NODE.vm, placement=Placement(node_selector={"zone": "rack-a"})))


def cold_rules_contradict() -> Record:
    return proposed(ZONED, ASKED)


def cold_rules_replaced() -> Record:
    """Somebody pressed "Replace them"."""
    planned = plan.build(ASKED.model_copy(update={"replace_rules": True}), ZONED)
    return approval.modify(cold_rules_contradict(), planned, RAVI, at(60), VALID)


def _begun(world: Facts = ONE_NODE, originals: Originals = ORIGINALS) -> Record:
    approved = approval.confirm(proposed(world, ASKED), RAVI, policy.decide(RAVI, Action.CONFIRM), at(90))
    return cold.begin(progress.advance(approved, 0), 0, originals, at(91))


def cold_stopping() -> Record:
    """Told to stop; the guest shuts down."""
    return progress.advance(_begun(), 0)


def cold_slow_stop() -> Record:
    return cold.slow(cold_stopping(), 0)


def cold_asking_stop() -> Record:
    return cold.ask(cold_slow_stop(), 0, Doubt.STOPPING, at(272), None)


def cold_waiting_on() -> Record:
    return cold.answer(cold_asking_stop(), 0, Doubt.STOPPING, Choice.WAIT, RAVI, at(280))


def cold_forced() -> Record:
    return cold.answer(cold_asking_stop(), 0, Doubt.STOPPING, Choice.FORCE, RAVI, at(280))


def cold_abandoned_stop() -> Record:
    return cold.answer(cold_asking_stop(), 0, Doubt.STOPPING, Choice.HOME, RAVI, at(280))


def cold_down() -> Record:
    """Guest and pod are gone; the pin is about to be written."""
    return cold.gone(cold_stopping(), 0, at(103))


def cold_starting() -> Record:
    return progress.advance(cold.starting(cold_down(), 0, at(104)), 0)


def cold_cluster_away() -> Record:
    return progress.cluster_away(cold_starting(), 0, at(110))


def cold_asking_start() -> Record:
    return cold.ask(cold_starting(), 0, Doubt.STARTING, at(140), at(440), WHY)


def cold_turned_home() -> Record:
    """Nobody answered; it is stopped once more."""
    home = cold.answer(cold_asking_start(), 0, Doubt.STARTING, Choice.HOME, None, at(440))
    return progress.advance(cold.stopping(home, 0, at(441)), 0)


def cold_went_on() -> Record:
    """Asked about, and gone by itself."""
    return cold.gone(cold_asking_stop(), 0, at(275))


def cold_elsewhere() -> Record:
    """It did not start on the target, and is stopped for another one."""
    other = Elsewhere(target=Target(name="worker-04", uid="uid-worker-04", hostname="worker-04"), replaces=None)
    return cold.stopping(cold.go_elsewhere(cold_asking_start(), 0, other, RAVI), 0, at(200))


def cold_asking_stop_at_home() -> Record:
    return cold.ask(cold.slow(cold_turned_home(), 0), 0, Doubt.STOPPING, at(700), None)


def cold_starting_at_home() -> Record:
    gone = cold.gone(cold_turned_home(), 0, at(443))
    return progress.advance(cold.starting(gone, 0, at(444)), 0)


def cold_came_home() -> Record:
    up = cold.up(cold_starting_at_home(), 0, at(460))
    cause = up.runs[0].homeward
    return progress.finish(up, 0, Result(node="worker-01", running=True, ready=True, cause=cause))


def cold_not_even_home() -> Record:
    """It did not come up in its old place either."""
    given_up = progress.advance(cold_starting_at_home(), 0)
    cause = given_up.runs[0].homeward
    return progress.finish(given_up, 0, Result(node="", running=False, ready=False, cause=cause))


def cold_refused_at_home() -> Record:
    """The cluster does not let the bot give the placement back."""
    gone = cold.gone(cold_turned_home(), 0, at(443))
    refused = diagnose_refusal(Forbidden("", verb="patch", resource="virtualmachines"))
    return progress.finish(gone, 0, Result(node="", running=False, ready=False, cause=refused))


def _cause(code: str, what: str) -> Cause:
    return Cause(code=code, what=what, remedy="Look at the VM before you move it again.")


def _up() -> Record:
    return cold.up(cold_starting(), 0, at(135))


def cold_wrong_node() -> Record:
    cause = _cause("wrong-node", "The VM is on worker-03, not on worker-05.")
    return progress.finish(_up(), 0, Result(node="worker-03", running=True, ready=True, cause=cause))


def cold_succeeded() -> Record:
    return progress.finish(_up(), 0, Result(node="worker-05", running=True, ready=True))


def _decided(wanted: PinState, *, effective: bool = True) -> Record:
    remind_at = at(90_000) if wanted is PinState.LATER else None
    return cold.decide_pin(cold_succeeded(), 0, wanted, DANA, at(200), effective=effective, remind_at=remind_at)


def pin_removed() -> Record:
    return _decided(PinState.REMOVED)


def pin_removed_at_restart() -> Record:
    return _decided(PinState.REMOVED, effective=False)


def pin_kept() -> Record:
    return _decided(PinState.KEPT)


def pin_later() -> Record:
    return _decided(PinState.LATER)


def pin_reminded() -> Record:
    return cold.reminded(pin_later(), 0)


def pin_later_again() -> Record:
    """Reminded, and put off once more."""
    remind_at = at(180_000)
    return cold.decide_pin(pin_reminded(), 0, PinState.LATER, RAVI, at(90_100), effective=True, remind_at=remind_at)


def pin_reminded_again() -> Record:
    return cold.reminded(pin_later_again(), 0)


def placing() -> Record:
    return _begun(STOPPED, ORIGINALS.model_copy(update={"vmi_uid": "", "grace_seconds": 0}))


def placed() -> Record:
    return progress.finish(placing(), 0, Result(node="", running=False, ready=False))


def not_placed() -> Record:
    cause = _cause("conflict", "Somebody else changed it at the same moment.")
    return progress.finish(placing(), 0, Result(node="", running=False, ready=False, cause=cause))


def elsewhere() -> Facts:
    """The world after the move."""
    assert ONE_NODE.vmi is not None
    return replace(ONE_NODE, vmi=replace(ONE_NODE.vmi, node="worker-05", uid="new-vmi-uid"))


GALLERY: dict[str, Callable[[], Record]] = {
    make.__name__: make
    for make in (
        cold_proposed,
        cold_measured,
        cold_of_stopped,
        cold_without_target,
        cold_over_older_pin,
        cold_rules_contradict,
        cold_rules_replaced,
        cold_stopping,
        cold_slow_stop,
        cold_asking_stop,
        cold_waiting_on,
        cold_forced,
        cold_abandoned_stop,
        cold_down,
        cold_called_off,
        cold_starting,
        cold_cluster_away,
        cold_asking_start,
        cold_went_on,
        cold_elsewhere,
        cold_turned_home,
        cold_asking_stop_at_home,
        cold_starting_at_home,
        cold_came_home,
        cold_not_even_home,
        cold_refused_at_home,
        cold_wrong_node,
        cold_succeeded,
        pin_removed,
        pin_removed_at_restart,
        pin_kept,
        pin_later,
        pin_reminded,
        pin_reminded_again,
        placing,
        placed,
        not_placed,
    )
}
