"""A row for each VM of a batch, on the card as long as there are few, else in the card's thread.

Rows are cut to what a phone shows, and are put into as many sections and messages as it takes (see `handlers.fitting`).
"""

from collections.abc import Sequence

from bot import describe
from bot.checks import Severity
from bot.migration import PlanState
from bot.plan import LeftOut, Move, Plan
from bot.record import Record
from handlers import blocks
from handlers.blocks import escape
from handlers.cards.card import Card
from handlers.fitting import pages, paragraphs
from handlers.ids import Slot

ON_CARD = 12
"""Rows that still make a card which fits a screen."""
FEW = 6
"""Lines about VMs that are left out, and warnings, on a card."""
BLOCKED = "⛔ *Blocked:*"
WARNED = "⚠️ *Warnings:*"
LEFT_OUT = "🚷 *Not in this plan, because:*"
_MOST_PAGES = 50
"""Of the table, of whatever revision: several thousand VMs."""
SHORT = 40
"""Characters of a name in a row."""


def name(text: str) -> str:
    """A VM or node in a row."""
    return escape(text, SHORT)


def vm(move: Move, plan: Plan) -> str:
    """A VM; with its namespace where the plan has several."""
    several = len({one.namespace for one in plan.moves}) > 1
    return name(f"{move.namespace}/{move.vm}" if several else move.vm)


def is_long(record: Record) -> bool:
    """Whether the rows do not fit the card."""
    return len(record.plan.moves) > ON_CARD


def is_cut(lines: Sequence[str]) -> bool:
    """Whether a list is too long for the card; one line more costs no more than to count it."""
    return len(lines) > FEW + 1


def rows(plan: Plan) -> list[str]:
    """What the seed's batch table says of each VM: where it is, where it goes, how, and what that costs."""
    return [_row(number, move, plan) for number, move in enumerate(plan.moves, 1)]


def _row(number: int, move: Move, plan: Plan) -> str:
    target = name(move.target.name) if move.target else "scheduler decides"
    route = f"{name(move.source)} → {target}" if move.source else f"→ {target}"
    warned = any(finding.severity is Severity.WARN for finding in move.findings)
    mark = " · ⛔ blocked" if move.blocked else " · ⚠️ see the warnings" if warned else ""
    return f"{number}. *{vm(move, plan)}* {route} · {move.type} · {escape(describe.batch.notices(move))}{mark}"


def left_out(plan: Plan) -> list[str]:
    """Who is not in the plan, and why."""
    return [_out(out) for out in plan.left_out]


def _out(out: LeftOut) -> str:
    vm = f"{out.namespace}/{out.vm}" if out.namespace else out.vm
    remedy = f" → {escape(out.remedy, 150)}" if out.remedy else ""
    return f"• *{escape(vm, 2 * SHORT)}*: {escape(out.why, 200)}{remedy}"


def warnings(plan: Plan, severity: Severity = Severity.WARN) -> list[str]:
    """What the checks say of its VMs, each thing once, with the VMs that it is about."""
    found: dict[str, list[Move]] = {}
    for move in plan.moves:
        for finding in move.findings:
            if finding.severity is severity:
                found.setdefault(f"{escape(finding.text)} {escape(finding.remedy, 150)}".strip(), []).append(move)
    return [f"{_named(moves, plan)}: {text}" for text, moves in found.items()]


def _named(moves: Sequence[Move], plan: Plan) -> str:
    more = f" and {len(moves) - 4} more" if len(moves) > 4 else ""
    return ", ".join(f"*{vm(move, plan)}*" for move in moves[:4]) + more


def cards(record: Record) -> dict[str, Card]:
    """The long table, in the thread. Once the plan is decided it stays as it is."""
    if record.state is not PlanState.PROPOSED:
        return {}
    return {_slot(number): _page(record, number, page) for number, page in enumerate(_pages(record))}


def settled_cards(record: Record) -> dict[str, Card]:
    """What becomes of the pages that an older revision had, and this one has not."""
    text = "📋 The plan was changed; the table of its VMs has no more pages."
    gone = Card(text, (blocks.context(text),))
    return {_slot(number): gone for number in range(len(_pages(record)), _MOST_PAGES)}


def _slot(number: int) -> str:
    return f"{Slot.TABLE}_{number}"


def _pages(record: Record) -> list[list[str]]:
    """What the card does not hold."""
    plan = record.plan
    lines = rows(plan) if is_long(record) else []
    for title, told in (
        (LEFT_OUT, left_out(plan)),
        (BLOCKED, warnings(plan, Severity.BLOCK)),
        (WARNED, warnings(plan)),
    ):
        lines += [title, *told] if is_cut(told) else []
    return pages(lines)


def _page(record: Record, number: int, page: Sequence[str]) -> Card:
    title = f"📋 *The VMs of this plan* (revision {record.revision})" + (", continued" if number else "")
    return Card(title, (blocks.section(title), *paragraphs(page)))
