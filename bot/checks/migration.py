"""Migrations: one that runs already, a drain, the cluster's limits, what this KubeVirt can do, and its own answer."""

from collections.abc import Iterator

from bot.checks.finding import COLD, LIVE, Check, Finding, block, info, not_checked, warn
from bot.request import MoveType
from k8s.names import ANNOTATION_EVACUATION, ANNOTATION_WORKLOAD_UPDATE, LABEL_PLAN
from k8s.snapshots import Facts, Migration


def in_flight(facts: Facts, type_: MoveType) -> Iterator[Finding]:
    """KubeVirt takes one migration per VMI at a time; a stop would kill the one that runs, without a word."""
    for migration in facts.migrations:
        if not migration.final:
            yield block(
                "in-flight",
                f"A migration of it is already running: {migration.ref.name} "
                f"({migration.phase or 'just created'}), {_whose(migration)}.",
                "Wait until that one has ended.",
                f"VMIM {migration.ref}",
            )


def _whose(migration: Migration) -> str:
    """KubeVirt marks its own (pkg/virt-controller/watch/migration); ours carry their plan."""
    if ANNOTATION_EVACUATION in migration.annotations:
        return "made for a drain of its node"
    if ANNOTATION_WORKLOAD_UPDATE in migration.annotations:
        return "made by an update of KubeVirt"
    if plan := migration.labels.get(LABEL_PLAN):
        return f"mine, of plan {plan}"
    return "made by somebody else"


def drained(facts: Facts, type_: MoveType) -> Iterator[Finding]:
    """A drain makes migrations of its own, again and again, as long as its mark stands (recorded: drain)."""
    if facts.vmi and facts.vmi.evacuation_node:
        yield warn(
            "drained",
            f"{facts.vmi.evacuation_node} is being drained: KubeVirt moves this VM away by itself.",
            "Let the drain do it, or end the drain first: virtctl evacuate-cancel.",
            "VMI status.evacuationNodeName",
        )


def limits(facts: Facts, type_: MoveType) -> Iterator[Finding]:
    """A migration over a limit waits in Pending without event or condition (recorded: live-limit, live-limit-node)."""
    if facts.migrating is None:
        yield not_checked("whether it would wait for other migrations", "I may not read all VMIs")
    running = facts.migrating or ()
    source = facts.vmi.node if facts.vmi else ""
    from_there = sum(1 for vmi in running if vmi.node == source)
    for count, most, where in (
        (len(running), facts.capabilities.migrations_at_once, "in the cluster"),
        (from_there, facts.capabilities.migrations_from_node, f"away from {source}"),
    ):
        if most <= 0:
            yield block(
                "no-migrations",
                f"This cluster lets no live migration run {where}: its limit is {most}.",
                "Ask an admin of KubeVirt to raise it; a cold move is no migration.",
                "KubeVirt CR, configuration.migrations",
            )
        elif count >= most:
            yield info(
                "would-wait",
                f"It would wait for its turn: {count} migrations run {where}, and {most} may.",
                "It starts by itself when one of them ends.",
                "VMIs that migrate; KubeVirt CR, configuration.migrations",
            )


def led(facts: Facts, type_: MoveType) -> bool:
    """Whether a pin has to lead the VM to its target: before KubeVirt 1.6 the API drops `addedNodeSelector` in silence
    and the VM lands anywhere."""
    return type_ is MoveType.LIVE and facts.target is not None and not facts.capabilities.added_node_selector


def named_target(facts: Facts, type_: MoveType) -> Iterator[Finding]:
    """A pin leads there only where it reaches a VM that runs, which it does under LiveUpdate (recorded:
    affinity-liveupdate) and not under Stage."""
    if not led(facts, type_):
        return
    version = facts.capabilities.kubevirt_version
    if facts.capabilities.rollout_strategy == "LiveUpdate":
        yield info(
            "led-by-pin",
            f"KubeVirt {version} cannot be told the node (1.6 and newer can): the VM is pinned to it while it is "
            "migrated, and gets its own rules back at the end, however it ends.",
            source="CRD of the VMIM",
        )
    else:
        yield block(
            "no-named-target",
            f"KubeVirt {version} cannot send a live move to a chosen node (1.6 and newer can).",
            "Ask without a node and let the scheduler decide.",
            "CRD of the VMIM; vmRolloutStrategy is Stage",
        )


def rollout(facts: Facts, type_: MoveType) -> Iterator[Finding]:
    """Under Stage the running VMI keeps a pin that is taken off the VM (recorded: rollout-stage)."""
    if facts.vmi and facts.capabilities.rollout_strategy == "Stage":
        yield info(
            "rollout-stage",
            "Changes reach a running VM only with its next restart here (rollout strategy Stage): until then it keeps "
            "the pin of this move, even once it is removed.",
            source="KubeVirt CR, vmRolloutStrategy",
        )


def admission(facts: Facts, type_: MoveType) -> Iterator[Finding]:
    """The cluster's own answer to a dry run; asked last, since our own blocks say the same in better words."""
    if facts.admission and not facts.admission.accepted:
        yield block(
            "admission",
            f"The cluster would refuse it: {facts.admission.message.rstrip('.')}.",
            "Nothing was changed. Its reason names what is in the way.",
            f"dry run of the VMIM, code {facts.admission.code}",
        )


CHECKS = (
    Check("no other migration of it runs", in_flight),
    Check("no drain moves it", drained),
    Check("it need not wait for other migrations", limits, LIVE),
    Check("this KubeVirt can send it to a chosen node", named_target, LIVE, of_target=True),
    Check("what is changed reaches the VM at once", rollout, COLD),
)
ADMISSION = Check("the cluster's admission accepts it (dry run)", admission, LIVE)
