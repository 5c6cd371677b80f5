"""What was decided about a plan before it ran: on its card, and as a word to whoever asked for it.

Each word is a message of its own, since an edit notifies nobody. Where no rule governs a plan, one that runs tells so
itself.
"""

from bot.migration import PlanState
from bot.record import Record
from handlers import blocks
from handlers.blocks import escape, mention
from handlers.cards import later, parts, quorum
from handlers.cards.card import Card
from handlers.ids import Slot

_NEVER = (PlanState.DENIED, PlanState.EXPIRED, PlanState.LAPSED)


def is_unrun(record: Record) -> bool:
    """Whether it has ended without having run."""
    canceled = record.state is PlanState.CANCELED and not any(run.result for run in record.runs)
    return canceled or record.state in _NEVER


def status(record: Record) -> str:
    """How a plan that never ran has ended, for its card."""
    match record.state:
        case PlanState.DENIED:
            return f"🛑 *Denied*{_no(record)}"
        case PlanState.EXPIRED:
            return "⌛ *Expired.* Nobody confirmed it in time; nothing was touched."
        case PlanState.LAPSED if later.is_missed(record):
            return f"⌛ *Not run.* {later.missed(record)}"
        case PlanState.LAPSED:
            return "⌛ *Lapsed.* It was confirmed but could not start in time; nothing was touched."
        case _:
            note = f" {escape(record.note)}" if record.note else ""
            return f"🚫 *Canceled*{parts.ended_by(record)}.{note} Nothing was touched."


def wanted(record: Record) -> dict[str, Card]:
    """The words to whoever asked, once others have decided it."""
    made: dict[str, Card] = {}
    if _is_confirmed(record):
        told = f"✅ {_yours(record)} is confirmed by {quorum.given(record)}.{later.verdict(record)}"
        made[_slot(record.revision)] = _told(record, told)
    if words := _end(record):
        made[Slot.VERDICT.value] = _told(record, words)
    return made


def settled(record: Record) -> dict[str, Card]:
    """What stands in place of a word that it is confirmed, once that is true no longer."""
    since = "That counts no longer; the card says what has become of it."
    card = _told(record, f"↩️ {_yours(record)} was confirmed. {since}")
    lost = record.revision if _is_confirmed(record) else record.revision + 1
    return {_slot(revision): card for revision in range(1, lost)}


def _slot(revision: int) -> str:
    return f"{Slot.VERDICT}_{revision}"


def _is_confirmed(record: Record) -> bool:
    """Whether a rule's approvers have let it run."""
    waits = record.state is PlanState.PROPOSED or is_unrun(record)
    return quorum.is_ruled(record) and bool(record.approvers) and not waits


def _told(record: Record, words: str) -> Card:
    text = f"{mention(record.requester.user)} {words}"
    return Card(text, (blocks.section(text),))


def _yours(record: Record) -> str:
    """Names the VMs: on a lock screen it stands alone."""
    return f"your plan for *{parts.names(record)}*"


def _end(record: Record) -> str:
    """How it ended without having run, where whoever asked might not know; empty where they do."""
    plan = _yours(record)
    own = record.ended_by is not None and record.ended_by.id == record.requester.id
    if own or not is_unrun(record):
        return ""
    match record.state:
        case PlanState.DENIED:
            return f"🛑 {plan} was denied{_no(record)}"
        case PlanState.EXPIRED:
            told = f"⌛ {plan} expired: not enough people confirmed it in time."
            return told if quorum.is_ruled(record) else ""
        case PlanState.LAPSED if later.is_missed(record):
            return f"⌛ {plan} was not run. {later.missed(record)}"
        case PlanState.LAPSED:
            return f"⌛ {plan} lapsed: it was confirmed but could not start in time. Nothing was touched."
        case _:
            words = (f"🚫 {plan} was canceled{parts.ended_by(record)}.", escape(record.note), "Nothing was touched.")
            return " ".join(filter(None, words))


def _no(record: Record) -> str:
    return f"{parts.ended_by(record)}: “{escape(record.note)}”. Nothing was touched."
