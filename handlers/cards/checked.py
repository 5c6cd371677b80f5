"""What was checked: one line on the plan card, and the whole list for whoever asks."""

from bot.checks import NO_TARGET, NOT_CHECKED, Finding, Severity
from bot.plan import Move
from bot.record import Record
from handlers import blocks
from handlers.blocks import Block, escape
from handlers.cards import parts
from handlers.cards.card import Card
from handlers.fitting import paragraphs
from handlers.ids import ActionId
from handlers.values import PlanRef

SEVERITIES = {Severity.BLOCK: "⛔ *Blocked:*", Severity.WARN: "⚠️ *Warning:*", Severity.INFO: "ℹ️ *Note:*"}


def findings(move: Move) -> list[Block]:
    """All in one block, the blocking ones first: what is cut when there are too many weighs least. What could not be
    checked is in the list of checks; that a node is missing is no fault where there is a menu of nodes."""
    unsaid = {NOT_CHECKED, NO_TARGET} if move.instead.nodes else {NOT_CHECKED}
    said = [each for each in move.findings if each.code not in unsaid]
    return [blocks.section("\n".join(told(each) for each in said))] if said else []


def told(finding: Finding) -> str:
    """One finding in a few lines: how bad, what, and what helps."""
    remedy = f"\n→ {escape(finding.remedy)}" if finding.remedy else ""
    return f"{SEVERITIES[finding.severity]} {escape(finding.text)}{remedy}"


def summary(record: Record, move: Move) -> list[Block]:
    """How many checks passed, with the button that shows them; nothing for a plan from before they were counted."""
    if not move.passed:
        return []
    value = PlanRef(plan=record.id, revision=record.revision).dump()
    return [blocks.section(_count(move), blocks.button("Show checks", ActionId.CHECKS, value))]


def _count(move: Move) -> str:
    unread = sum(finding.code == NOT_CHECKED for finding in move.findings)
    if not move.findings:
        return f"✅ *All {len(move.passed)} checks passed.*"
    rest = f"; {unread} could not be made" if unread else ""
    return f"✅ {len(move.passed)} checks passed{rest}."


def checks_card(record: Record) -> Card:
    """Every check of a plan of one move: first what was found, with where it stands, then what passed."""
    text, move = f"Checks of {parts.subject(record)}", record.plan.moves[0]
    lines = [*map(_sourced, move.findings), *(f"✅ {escape(each)}" for each in move.passed)]
    return Card(text, (blocks.section(f"*{text}*\n{_count(move)}"), *paragraphs(lines)))


def _sourced(finding: Finding) -> str:
    source = f"\n_{escape(finding.source)}_" if finding.source else ""
    return f"{told(finding)}{source}"
