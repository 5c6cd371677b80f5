"""What is said of a move that has ended: where the VM is, how long it took, and how to look for oneself."""

from bot.describe.words import Row, duration, only_places
from bot.plan import HOME_STEPS, Move, StepKind
from bot.record import PinState, Result, Run
from bot.request import MoveType
from k8s.names import ANNOTATION_NOTE


def whereabouts(move: Move, result: Result) -> str:
    """Where the VM is now and whether it runs: the first thing that anybody wants to know after a failure."""
    if only_places(move):
        where = f", and will start on {move.target_name}" if result.cause is None else ""
        return f"{move.vm} is stopped, as before{where}"
    if not result.node:
        lost = f"I could not read where {move.vm} is now"
        return lost if move.type is MoveType.LIVE else f"{move.vm} is on no node that I can see: take it as NOT running"
    if not result.running:
        return f"{move.vm} is on {result.node} and is NOT running"
    return f"{move.vm} is on {result.node} and running" + ("" if result.ready else ", but not Ready")


def moved(move: Move) -> str:
    """What became of the VM, as a verb."""
    return f"is pinned to {move.target_name}" if only_places(move) else "has moved"


def took(result: Result) -> str:
    """How long the migration itself took, by the cluster's clock."""
    if result.started_at is None or result.ended_at is None:
        return "not recorded by the cluster"
    return duration(result.ended_at - result.started_at)


def downtime(run: Run) -> Row:
    """How long people had to do without the VM, measured."""
    if run.down_since is None:
        return Row("Downtime", "none", "it did not go down")
    if run.downtime is None:
        return Row("Downtime", "not over", "it has not come up")
    return Row("Downtime", duration(run.downtime), "measured: from the stop to the VM running again")


def affinity(move: Move, run: Run) -> Row:
    """What has become of the pin of a cold move, and from when on that holds for the VM that runs."""
    required = f"required: {move.target_name}"
    match run.pin.state if run.pin else None:
        case PinState.REMOVED:
            return Row(
                "Node affinity", "removed", "effective now" if _is_free(run) else "effective at its next restart"
            )
        case PinState.KEPT:
            return Row("Node affinity", required, "kept")
        case PinState.ASKED | PinState.LATER:
            return Row("Node affinity", required, "still set")
        case None:
            return _without_pin(run, required)


def freed(run: Run) -> tuple[Row, ...]:
    """What a live move did with a pin that an earlier one had left; its create comes after the removal."""
    if not run.older_pin:
        return ()
    gone = run.intent is not None and run.intent.uid
    return (
        Row(
            "Older pin",
            "removed" if gone else "was to be removed first",
            f"of plan {run.older_pin}, before the migration" if gone else f"of plan {run.older_pin}: /vm-migrate pins",
        ),
    )


def _is_free(run: Run) -> bool:
    return run.pin is not None and run.pin.effective


def _without_pin(run: Run, required: str) -> Row:
    """A failed move leaves none, unless the VM has started elsewhere or could not be given back what it had."""
    if stranded(run):
        return Row("Node affinity", "unknown", "the way back was not finished")
    if run.homeward or run.starting_since is None:
        return Row("Node affinity", "as before", "its old placement")
    return Row("Node affinity", required, "still set")


def stranded(run: Run) -> bool:
    """Whether a VM that was down and had to go home did not even get its old placement back."""
    return run.homeward is not None and run.down_since is not None and run.step <= HOME_STEPS.index(StepKind.RETURN)


def rescue(move: Move, run: Run) -> str:
    """What people have to do about the placement after a failure, in one sentence; empty when nothing."""
    if stranded(run):
        return (
            f"The VM did NOT get its old placement back. What it had stands in its annotation {ANNOTATION_NOTE}: put "
            "that back, then start it."
        )
    if run.homeward is None and run.starting_since:
        return f"The VM is still pinned to {move.target_name}. Remove that: /vm-migrate pins"
    return ""


def look(move: Move) -> str:
    """The command that shows where the VM is; after a cold move there may be no VMI to look at."""
    kinds = "vmi" if move.type is MoveType.LIVE else "vm,vmi"
    return f"{move.cli} get {kinds} -n {move.namespace} {move.vm} -o wide"


def look_closer(move: Move, run: Run) -> str:
    """The command that shows the migration with its events, or else the VM's own object."""
    own = "vmi" if move.type is MoveType.LIVE else "vm"
    kind, name = ("vmim", run.intent.name) if run.intent else (own, move.vm)
    return f"{move.cli} describe {kind} -n {move.namespace} {name}"
