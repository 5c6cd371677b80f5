"""The card of a batch: who moves where, what it costs in total, what the nodes look like after it, and the buttons.

What costs somebody something (a longer downtime, a node that is promised more than it has) has a button of its own,
and Confirm appears once it was pressed.
"""

from collections.abc import Mapping

from bot import batch, describe
from bot.checks import Finding, Severity
from bot.migration import MoveState, PlanState
from bot.plan import Consent
from bot.record import Record
from bot.request import BatchRequest, MoveType
from handlers import blocks
from handlers.blocks import Block, code, escape
from handlers.cards import checked, incident, later, parts, quorum, verdict
from handlers.cards.batch import table
from handlers.cards.card import Card
from handlers.cards.plan import last_ways
from handlers.fitting import paragraphs
from handlers.ids import ActionId
from handlers.values import PlanRef

_MOST_NODES = 10
"""Lines about nodes on a card."""


def batch_card(record: Record) -> Card:
    """The card in any state."""
    status = _status(record)
    sign = incident.sign(record)
    head = [blocks.header(f"{sign}Move plan: {title(record)}"), blocks.section(status)]
    body = _open(record) if record.state is PlanState.PROPOSED else _decided(record)
    return Card(f"{sign}{status} Move plan: {escape(title(record))}.", (*head, *body))


def title(record: Record) -> str:
    """The batch in few words; nothing is interpreted in it."""
    request, vms = record.plan.request, _vms(record)
    if isinstance(request, BatchRequest) and request.evacuate:
        return f"{vms} off {blocks.clip(request.evacuate, 60)}"
    targets = {move.target_name for move in record.plan.moves}
    return f"{vms} → {blocks.clip(targets.pop(), 60) if len(targets) == 1 else f'{len(targets)} nodes'}"


def _vms(record: Record) -> str:
    count = len(record.plan.moves)
    return "1 VM" if count == 1 else f"{count} VMs"


def _status(record: Record) -> str:
    many = f"*{_vms(record)}*"
    deed = _deed(record, many) + later.from_when(record)
    match record.state:
        case PlanState.PROPOSED if record.plan.blocked:
            return "⛔ *Blocked.* None of these VMs can be moved like this. Nothing was touched."
        case PlanState.PROPOSED if record.unaccepted:
            costs = " and the ".join(record.unaccepted)
            first = f"somebody has to accept the {costs} first, then Confirm"
            return f"✋ *Waiting* {deed}: {first}. Nothing was touched yet."
        case PlanState.PROPOSED:
            return f"{quorum.waits(record)} {deed}. Nothing was touched yet."
        case PlanState.APPROVED:
            return f"✅ *Confirmed.* The first of {many} starts now."
        case PlanState.SCHEDULED:
            return later.waiting(record, many)
        case PlanState.RUNNING | PlanState.PAUSED:
            return _running(record)
        case _ if verdict.is_unrun(record):
            return verdict.status(record)
        case _:
            return _ENDS[record.state].format(told=describe.batch.tally(record.runs), who=parts.ended_by(record))


def _deed(record: Record, many: str) -> str:
    """What a Confirm lets happen; how many VMs stop for it stands here, since some would not press it if they knew."""
    moves = record.plan.moves
    stopping = len(describe.batch.stopping(record.plan))
    if stopping == len(moves):
        return f"to *stop* {many}, move {'it and start it' if stopping == 1 else 'them and start them'} again"
    if stopping:
        return f"to move {many}, *stopping {stopping} of them*"
    live = all(move.type is MoveType.LIVE for move in moves)
    return f"to move {many}{' live, without stopping' if live else ''}"


def _running(record: Record) -> str:
    told = describe.batch.tally(record.runs)
    if any(run.state is MoveState.ASKING for run in record.runs):
        return f"❓ *Waiting for an answer.* A move is stuck; the thread asks how to go on. {told}"
    if record.state is PlanState.PAUSED and record.holds:
        why = describe.batch.HOLDS[record.holds[-1].reason]
        return f"⏸️ *Paused:* {why}. The thread asks how to go on. {told}"
    return f"🔄 *Running.* {told}"


_ENDS: Mapping[PlanState, str] = {
    PlanState.SUCCEEDED: "✅ *Done.* {told} The report is in the thread.",
    PlanState.PARTLY_FAILED: "⚠️ *Partly failed.* {told} The report in the thread says why.",
    PlanState.FAILED: "❌ *Failed.* {told} The report in the thread says why.",
    PlanState.STOPPED: "⏹️ *Stopped*{who}. {told} The report is in the thread.",
    PlanState.CANCELED: "🛑 *Canceled while it ran*{who}. {told} The report is in the thread.",
}


def _open(record: Record) -> list[Block]:
    plan = record.plan
    made = [*incident.mark(record), *parts.reason(record), *parts.drift(record)]
    made += [*quorum.lost(record), *later.starts(record), *_notes(plan.notes)]
    made += _listed(table.BLOCKED, table.warnings(plan, Severity.BLOCK))
    made += _listed(table.WARNED, table.warnings(plan))
    made += _rows(record)
    made += _listed(table.LEFT_OUT, table.left_out(plan))
    made += [] if plan.blocked else [_totals(record), *_nodes(record)]
    return [*made, *quorum.asked(record), quorum.terms(record), *_buttons(record)]


def _notes(found: tuple[Finding, ...]) -> list[Block]:
    return paragraphs(checked.told(each) for each in found)


def _listed(title: str, lines: list[str]) -> list[Block]:
    """A few lines; where there are more all of them are in the thread."""
    if table.is_cut(lines):
        lines = [*lines[: table.FEW], f"… and {len(lines) - table.FEW} more, in the thread."]
    return paragraphs([title, *lines]) if lines else []


def _rows(record: Record) -> list[Block]:
    if table.is_long(record):
        return [blocks.section(f"📋 The table of all {len(record.plan.moves)} VMs is in the thread.")]
    return paragraphs(table.rows(record.plan))


def _totals(record: Record) -> Block:
    plan = record.plan
    return blocks.section(
        f"*Total:* {describe.batch.counts(plan)}\n"
        f"*Downtime:* {describe.batch.downtime(plan)}\n"
        f"*Duration:* {describe.batch.length(plan)}\n"
        f"*How:* {describe.batch.pace(plan)}. Each VM is looked at again just before its turn. The first failure "
        "pauses the rest."
    )


def _nodes(record: Record) -> list[Block]:
    lines = [f"• {code(shift.node, table.SHORT)}: {describe.carried(shift)}" for shift in record.plan.nodes]
    more = len(lines) - _MOST_NODES
    lines = [*lines[:_MOST_NODES], *([f"… and {more} nodes more"] if more > 0 else [])]
    return paragraphs(["*Nodes, before → after* (given to their VMs)", *lines]) if lines else []


def _buttons(record: Record) -> list[Block]:
    value = PlanRef(plan=record.id, revision=record.revision).dump()
    usual = [
        blocks.button("Modify", ActionId.MODIFY, value),
        *incident.button(record, value),
        *quorum.deny_buttons(record, value),
        blocks.button("Cancel", ActionId.CANCEL, value),
    ]
    if record.plan.blocked:
        return [blocks.actions(*usual)]
    first = _consents(record, value) or _confirm(record)
    return [blocks.actions(*first, *_staging(record, value), *usual)]


_CONSENTS: Mapping[Consent, tuple[str, ActionId]] = {
    Consent.DOWNTIME: ("Accept the downtime", ActionId.ACCEPT_DOWNTIME),
    Consent.OVERCOMMIT: ("Accept the overcommit", ActionId.ACCEPT_OVERCOMMIT),
}


def _consents(record: Record, value: str) -> list[Block]:
    return [_consent(record, consent, value) for consent in record.unaccepted]


def _consent(record: Record, consent: Consent, value: str) -> Block:
    text, action_id = _CONSENTS[consent]
    costs = {
        Consent.DOWNTIME: f"The VMs are down one after the other: {describe.batch.downtime(record.plan)}.",
        Consent.OVERCOMMIT: "More is promised to VMs than a node has: guests may be slowed down or killed.",
    }
    question = blocks.dialog(f"{text}?", costs[consent], "Accept", "Not yet")
    return blocks.button(text, action_id, value, confirm=question)


def _staging(record: Record, value: str) -> list[Block]:
    count, stage = len(record.plan.moves), record.plan.pace.stage
    if stage and count > batch.STAGES_FROM:
        question = blocks.dialog(
            f"Run {count} VMs without a pause?",
            "Nobody looks in between, and the network between the nodes may be full for long.",
            "No groups",
            "Keep the groups",
        )
        return [blocks.button("Without groups", ActionId.UNSTAGE, value, confirm=question)]
    if not stage and count > batch.OFFER_STAGES:
        return [blocks.button(f"Stage it in groups of {batch.STAGE}", ActionId.STAGE, value)]
    return []


def _confirm(record: Record) -> list[Block]:
    plan = record.plan
    sentence = f"{describe.batch.counts(plan)}. Downtime: {describe.batch.downtime(plan)}."
    return quorum.confirm(record, f"Move {len(plan.moves)} VMs?", sentence, "Move them")


def _decided(record: Record) -> list[Block]:
    body = [] if table.is_long(record) else paragraphs(table.rows(record.plan))
    totals = f"{describe.batch.counts(record.plan)} · {describe.batch.pace(record.plan)}"
    drift = parts.drift(record) if record.state is PlanState.LAPSED else []
    body = [*incident.mark(record), *body, *drift, *parts.reason(record)]
    return [*body, blocks.context(totals), blocks.context(parts.people(record)), *last_ways(record)]
