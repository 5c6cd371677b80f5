"""What somebody reads alone who looks around: open plans, ended ones, the VMs there are.

Short enough for a phone; what does not fit is counted, with how to ask for less.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby

from bot import describe
from bot.inventory import Listed
from bot.migration import MoveState, PlanState
from bot.plan import Move
from bot.ports import Overview
from bot.record import Record, Run
from bot.request import History, Inventory, MoveType, Status, period
from handlers import blocks
from handlers.blocks import code, date, escape, mention
from handlers.cards import later, parts
from handlers.cards.batch.plan import title as batch_title
from handlers.cards.card import Card
from handlers.fitting import LIST_SIZE, paragraphs, within
from handlers.ids import CommandName

MOST_DETAILED = 20
"""VMs that are shown with all that is known of them; more become a short table."""
MOST_ROWS = 100
_WIDTH = 18
"""Characters of a name in the short table; wider ones break the lines on a phone."""
_MOST_MOVES = 3
"""VMs of one plan that its line names one by one."""

_DATE = "{date_short_pretty} {time}"
_ALONE = "Only you see this"

_OPEN: Mapping[PlanState, str] = {
    PlanState.PROPOSED: "✋ waits for its Confirm",
    PlanState.APPROVED: "✅ confirmed, starts now",
    PlanState.SCHEDULED: "📅 confirmed, waits for its time",
    PlanState.RUNNING: "🔄 is moving",
    PlanState.PAUSED: "⏸️ is paused",
    PlanState.PARTLY_FAILED: "📌 partly failed, its pins are asked about again",
    PlanState.STOPPED: "📌 stopped, its pins are asked about again",
    PlanState.SUCCEEDED: "📌 done, its pin is asked about again",
}
_ENDED: Mapping[PlanState, str] = {
    PlanState.SUCCEEDED: "✅ moved",
    PlanState.FAILED: "❌ failed",
    PlanState.PARTLY_FAILED: "⚠️ partly failed",
    PlanState.STOPPED: "⏹️ stopped",
    PlanState.CANCELED: "🚫 canceled",
    PlanState.DENIED: "🛑 denied",
    PlanState.EXPIRED: "⌛ expired unconfirmed",
    PlanState.LAPSED: "⌛ lapsed before it started",
}


def status_card(request: Status, found: Overview, links: Mapping[str, str]) -> Card:
    """The open plans of this channel, each with the way to its card."""
    about = _about(request.vm, request.namespace)
    if not found.plans:
        text = f"📋 No plan{about} is open in this channel."
        return _listed(text, [], _elsewhere(found))
    text = f"📋 *Open plans{about} in this channel: {len(found.plans)}{'+' if found.more else ''}*"
    return _listed(text, [line_of_open(plan, links.get(plan.id, "")) for plan in found.plans], _elsewhere(found))


def history_card(request: History, found: Overview, links: Mapping[str, str]) -> Card:
    """What has ended in this channel: who, what, when, how it ended, how long it took."""
    about = _about(request.vm, request.namespace)
    since = f" in the last {period(request.last)}" if request.last else ""
    if not found.plans:
        return _listed(f"🗂️ Nothing has ended{about} in this channel{since}.", [], "")
    text = f"🗂️ *What has ended{about} in this channel{since}*, newest first"
    narrower = f"Older ones are left out: ask for one VM, as in {code(f'{CommandName.MIGRATE} history web-01')}"
    lines = [line_of_ended(plan, links.get(plan.id, "")) for plan in found.plans]
    return _listed(text, lines, narrower if found.more else "")


def inventory_card(request: Inventory, found: Sequence[Listed]) -> Card:
    """The VMs of a namespace, of a node, or all."""
    where = (f" in {code(request.namespace)}" if request.namespace else "") + (
        f" on {code(request.node)}" if request.node else ""
    )
    if not found:
        return _listed(f"🖥️ I see no VM{where}.", [], "")
    text = f"🖥️ *VMs{where}: {len(found)}*"
    if len(found) <= MOST_DETAILED:
        shown = within(LIST_SIZE, (blocks.section(_detailed(vm, request)) for vm in found))
        return Card(text, (blocks.section(text), *shown, blocks.context(_more(len(found) - len(shown)) + _ALONE)))
    narrower = f"For all that is known of them ask for fewer: {code(f'{CommandName.INVENTORY} production')} or " + code(
        f"{CommandName.INVENTORY} --node worker-01"
    )
    small = blocks.context(_more(len(found) - MOST_ROWS) + narrower)
    return Card(text, (blocks.section(text), blocks.raw(_table(found[:MOST_ROWS])), small))


def _listed(text: str, lines: Sequence[str], note: str) -> Card:
    """The lines that one message holds; the others are counted."""
    shown = within(LIST_SIZE, lines)
    small = _more(len(lines) - len(shown)) + (f"{note} · {_ALONE}" if note else _ALONE)
    return Card(text, (blocks.section(text), *paragraphs(shown), blocks.context(small)))


def _more(left_out: int) -> str:
    return f"{left_out} more are left out. " if left_out > 0 else ""


def _about(vm: str | None, namespace: str | None) -> str:
    if vm is None:
        return f" of namespace {code(namespace)}" if namespace else ""
    return f" of {code(f'{namespace}/{vm}' if namespace else vm)}"


def _elsewhere(found: Overview) -> str:
    return f"In other channels: {found.elsewhere}" if found.elsewhere else ""


def line_of_open(record: Record, link: str) -> str:
    """A plan that is open, with the way to its card."""
    state = _OPEN.get(record.state, f"▫️ {record.state}")
    if record.state is PlanState.SCHEDULED and record.schedule:
        state = f"🕑 scheduled for {later.when(record.schedule.start)}"
    if record.state is PlanState.PROPOSED and record.plan.blocked:
        state = "⛔ is blocked"
    if any(run.state is MoveState.ASKING for run in record.runs):
        state = "❓ asks how to go on"
    asked = f"asked for by {mention(record.requester.user)} {date(record.created_at, _DATE)}"
    return f"{state}: {_what(record)} · {asked}{_linked(link)}"


def line_of_ended(record: Record, link: str) -> str:
    """A plan that has ended, with the way to its card."""
    outcome = _ENDED.get(record.state, f"▫️ {record.state}") + _why(record)
    people = f"asked for by {mention(record.requester.user)}"
    if record.approvers:
        people += ", confirmed by " + ", ".join(mention(given.actor.user) for given in record.approvers)
    if record.ended_by:
        people += f", ended by {mention(record.ended_by.user)}"
    return f"{outcome}: {_what(record)} · {people} · {date(record.created_at, _DATE)}{_linked(link)}"


def _why(record: Record) -> str:
    """Why it was not run, where that was told."""
    never = (PlanState.DENIED, PlanState.LAPSED, PlanState.CANCELED)
    incident = f" 🚨 {code(record.incident.id)}" if record.incident else ""
    return (f" ({escape(record.note)})" if record.note and record.state in never else "") + incident


def _what(record: Record) -> str:
    if len(record.plan.moves) > _MOST_MOVES:
        first = escape(record.plan.moves[0].vm, _WIDTH + 2)
        return f"*{escape(batch_title(record))}* ({first} and {len(record.plan.moves) - 1} more)"
    told = [_move(move, run) for move, run in parts.runs(record)]
    return "; ".join(told)


def _move(move: Move, run: Run) -> str:
    name = escape(f"{move.namespace}/{move.vm}", blocks.NAME)
    took = _took(move, run)
    return f"*{name}* {parts.route(move)}, {move.type}" + (f", {took}" if took else "")


def _took(move: Move, run: Run) -> str:
    if run.result is None:
        return ""
    if move.type is MoveType.COLD:
        return f"{describe.duration(run.downtime)} down" if run.downtime else ""
    if run.result.started_at and run.result.ended_at:
        return describe.duration(run.result.ended_at - run.result.started_at)
    return ""


def _linked(link: str) -> str:
    return f" · <{link}|card>" if link.startswith("https://") else ""


def _detailed(vm: Listed, request: Inventory) -> str:
    """Two lines. What was asked for is not repeated: on a phone it would push the node onto a line of its own."""
    size = f"{vm.vcpus} vCPU, {describe.memory(vm.memory_bytes) if vm.memory_bytes else 'memory unknown'}"
    where = f" on {code(vm.node)}" if vm.node else ""
    address = f" · {code(vm.address)}" if vm.address else ""
    notes = f" · {escape(', '.join(vm.notes), blocks.NAME)}" if vm.notes else ""
    name = escape(vm.name if request.namespace else f"{vm.namespace}/{vm.name}", blocks.NAME)
    return f"*{name}* {escape(vm.status, blocks.NAME)}{where}\n{size}{address}{notes}"


def _table(vms: Sequence[Listed]) -> Iterator[str]:
    """By namespace, in columns that a phone shows without breaking them."""
    for namespace, group in groupby(vms, key=lambda vm: vm.namespace):
        yield f"{blocks.clip(namespace, 2 * _WIDTH)}:"
        yield from (f"  {_cell(vm.name)} {_cell(vm.node or vm.status)}".rstrip() for vm in group)


def _cell(text: str) -> str:
    return blocks.clip(text, _WIDTH).ljust(_WIDTH)
