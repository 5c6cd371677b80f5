"""What was checked: one line on the plan card, and the whole list for whoever asks."""

from bot.checks import NO_TARGET, NOT_CHECKED, Finding, Severity
from bot.plan import Move
from bot.record import Record
from handlers import blocks
from handlers.blocks import Block, escape
from handlers.cards import parts
from handlers.cards.card import Card
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


def summary(record: Record) -> list[Block]:
    """How many checks passed, with the button that shows them; nothing for a plan from before they were counted."""
    if not (passed := _passed(record)):
        return []
    value = PlanRef(plan=record.id, revision=record.revision).dump()
    return [blocks.section(_count(record, passed), blocks.button("Show checks", ActionId.CHECKS, value))]


def _passed(record: Record) -> int:
    return sum(len(move.passed) for move in record.plan.moves)


def _count(record: Record, passed: int) -> str:
    found = [finding for move in record.plan.moves for finding in move.findings]
    unread = sum(finding.code == NOT_CHECKED for finding in found)
    if not found:
        return f"✅ *All {passed} checks passed.*"
    rest = f"; {unread} could not be made" if unread else ""
    return f"✅ {passed} checks passed{rest}."


def checks_card(record: Record) -> Card:
    """Every check of a plan: first what was found, with where it stands, then what passed."""
    text = f"Checks of {parts.subject(record)}"
    made: list[Block] = [blocks.section(f"*{text}*\n{_count(record, _passed(record))}")]
    for move in record.plan.moves:
        made += [blocks.section(f"*{escape(move.vm, blocks.NAME)}*")] if len(record.plan.moves) > 1 else []
        made += [blocks.section("\n".join(_sourced(each) for each in move.findings))] if move.findings else []
        made += [blocks.section("\n".join(f"✅ {escape(each)}" for each in move.passed))] if move.passed else []
    return Card(text, tuple(made[:_MOST]))


_MOST = 50
"""Blocks of a message (docs.slack.dev/reference/block-kit/blocks)."""


def _sourced(finding: Finding) -> str:
    source = f"\n_{escape(finding.source)}_" if finding.source else ""
    return f"{told(finding)}{source}"
