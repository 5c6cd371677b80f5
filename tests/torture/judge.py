"""Whether anything was lost, doubled or down."""

from bot import migration
from bot.migration import PlanState
from bot.record import Record
from bot.sandbox.slack.workspace import Workspace
from tests.torture.watch import Watch


async def judge(watch: Watch, workspace: Workspace) -> list[str]:
    """What is wrong, in words; empty when all is well."""
    plans, log = await watch.plans(), await watch.log()
    return [
        *(f"{name} ran and does not any more" for name in sorted(watch.ran) if not watch.node_of(name)),
        *(f"{plan.id} is still {plan.state}" for plan in plans if not migration.is_final(plan.state)),
        *(line for plan in plans for line in _of_plan(watch, plan, log.get(plan.id, []))),
        *(line for plan in plans for line in _of_chat(workspace, plan)),
        *_of_places(watch, plans),
    ]


def _of_plan(watch: Watch, plan: Record, kinds: list[str]) -> list[str]:
    made, run = watch.made_for(plan.id), plan.runs[0]
    wrong = [f"{plan.id} has made {made} migrations"] if made > 1 else []
    if plan.state is PlanState.FAILED:
        wrong.append(f"{plan.id} failed: {run.result and run.result.cause}")
    if plan.state is PlanState.SUCCEEDED and kinds.count("succeeded") != 1:
        wrong.append(f"{plan.id} succeeded, and its log says {kinds}")
    if run.started_at is None and made:
        wrong.append(f"{plan.id} has made a migration and says that it never began")
    return wrong


def _of_chat(workspace: Workspace, plan: Record) -> list[str]:
    """One card, and one report where there is something to report."""
    messages = (message for room in workspace.rooms.values() for message in room.messages)
    payloads = [(message.metadata or {}).get("event_payload", {}) for message in messages]
    shown = [payload["slot"] for payload in payloads if payload.get("plan") == plan.id]
    cards, reports = shown.count("card"), shown.count("report")
    wrong = [f"{plan.id} has {cards} cards"] if cards != 1 else []
    if reports != (plan.runs[0].result is not None):
        wrong.append(f"{plan.id} has {reports} reports, and is {plan.state}")
    return wrong


def _of_places(watch: Watch, plans: list[Record]) -> list[str]:
    """The last report about each VM is what the cluster shows. The last is not always of the newest plan: a plan that
    was asked for twice may be confirmed after one that came later."""
    ended = sorted(
        (plan for plan in plans if plan.runs[0].result), key=lambda plan: plan.runs[0].started_at or plan.created_at
    )
    last = {plan.plan.moves[0].vm: (plan.id, plan.runs[0].result) for plan in ended}
    told = ((name, plan_id, result.node) for name, (plan_id, result) in last.items() if result)
    return [
        f"{name} is on {watch.node_of(name)}, reported on {node} by {plan_id}: {_story(plans, name)}"
        for name, plan_id, node in told
        if watch.node_of(name) != node
    ]


def _story(plans: list[Record], name: str) -> str:
    """When each move of a VM began, and where it was said to have ended."""
    runs = [(plan.id, plan.runs[0]) for plan in plans if plan.plan.moves[0].vm == name]
    return ", ".join(
        f"{key} {run.started_at:%H:%M:%S} {run.result and run.result.node}" for key, run in runs if run.started_at
    )
