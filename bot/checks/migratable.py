"""A VM of which KubeVirt says that it cannot move live."""

from bot.checks.finding import Finding, block
from bot.obstacles import MAY_COLD, REASONS
from k8s.names import CONDITION_LIVE_MIGRATABLE
from k8s.snapshots import Condition


def translated(condition: Condition) -> Finding:
    """A LiveMigratable condition that is False, as a finding; KubeVirt's own words stay in it."""
    said = condition.message or condition.reason
    words, remedy = REASONS.get(condition.reason, ("", MAY_COLD))
    text = f"It cannot move live: {words}. KubeVirt says: {said}" if words else f"It cannot move live: {said}"
    return block(
        "not-live-migratable",
        f"{text} ({condition.reason}).",
        remedy,
        f"VMI condition {CONDITION_LIVE_MIGRATABLE}",
    )
