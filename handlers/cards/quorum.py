"""Who still has to say yes, and what became of it, in words."""

from bot import policy
from bot.migration import PlanState
from bot.record import Record
from handlers import blocks
from handlers.blocks import Block, escape, mention
from handlers.cards import incident, later, parts, people
from handlers.cards.card import Card
from handlers.ids import ActionId, Slot


def is_ruled(record: Record) -> bool:
    """Whether a rule of the operators governs the plan, not the built-in one."""
    return record.quorum.rule not in ("", policy.BUILT_IN_RULE)


def needs(record: Record) -> str:
    """How many Confirms of whom, and whose press does not count. Groups are mentioned, which notifies when the card is
    posted; edits notify nobody."""
    quorum, given = record.quorum, record.approvers
    if record.incident:
        return incident.needs(record)
    if not is_ruled(record):
        return f"needs {quorum.needed} Confirm from this channel's members (has {len(given)})"
    whom = " and ".join(people.whom(who, quorum) for who in quorum.who)
    has = f"has {len(given)}" + (f" ({_given(record)})" if given else "")
    own = "" if quorum.own_counts else f" Asked for by {_askers(record)}, whose own press does not count."
    return f"👥 *Needs {quorum.needed} of {whom}*, {has}.{own}{_hopeless(record)}"


def _hopeless(record: Record) -> str:
    """Why there is no Confirm, where nobody could press it."""
    if not record.quorum.hopeless:
        return ""
    able = f"Only {record.quorum.able}" if record.quorum.able else "Nobody"
    return f"\n⛔ *{able} could confirm it.* The rule or the group must be mended first; then press Modify."


def waits(record: Record) -> str:
    """What a plan that may run waits for."""
    needed, given = record.quorum.needed, len(record.approvers)
    if needed == 1:
        return "✋ *Waiting for Confirm*"
    missing = needed - given
    return f"✋ *Waiting for {missing}{' more' if given else ''} Confirm{'' if missing == 1 else 's'}*"


def confirm_word(record: Record) -> str:
    """The word on the button."""
    needed = record.quorum.needed
    return "Confirm" if needed == 1 else f"Confirm ({len(record.approvers) + 1} of {needed})"


def deny_buttons(record: Record, value: str) -> list[Block]:
    """Deny, where approvers are not simply everybody."""
    return [blocks.button("Deny", ActionId.DENY, value)] if is_ruled(record) else []


def denied(record: Record) -> str:
    """Who said no, and why."""
    return f"🛑 *Denied*{_no(record)}"


def _no(record: Record) -> str:
    who = f" by {mention(record.ended_by.user)}" if record.ended_by else ""
    return f"{who}: “{escape(record.note)}”. Nothing was touched."


def verdict_cards(record: Record) -> dict[str, Card]:
    """Words in the thread for whoever asked, once others have decided it. Each is a message of its own, since an edit
    notifies nobody. Where no rule governs a plan, one that runs tells so itself."""
    made: dict[str, Card] = {}
    if _is_confirmed(record):
        told = f"✅ {_yours(record)} is confirmed by {_given(record)}.{later.verdict(record)}"
        made[_confirmed(record.revision)] = _told(record, told)
    if words := _end(record):
        made[Slot.VERDICT.value] = _told(record, words)
    return made


def overturned_cards(record: Record) -> dict[str, Card]:
    """What stands in place of a word that it is confirmed, once that is true no longer."""
    card = _told(
        record, f"↩️ {_yours(record)} was confirmed. That counts no longer; the card says what has become of it."
    )
    lost = record.revision if _is_confirmed(record) else record.revision + 1
    return {_confirmed(revision): card for revision in range(1, lost)}


def _confirmed(revision: int) -> str:
    return f"{Slot.VERDICT}_{revision}"


def _is_confirmed(record: Record) -> bool:
    """Whether a rule's approvers have let it run."""
    waits = record.state is PlanState.PROPOSED or _ended_unrun(record)
    return is_ruled(record) and bool(record.approvers) and not waits


def _ended_unrun(record: Record) -> bool:
    never = (PlanState.DENIED, PlanState.EXPIRED, PlanState.LAPSED)
    return record.state in never or (record.state is PlanState.CANCELED and not any(run.result for run in record.runs))


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
    if own or not _ended_unrun(record):
        return ""
    match record.state:
        case PlanState.DENIED:
            return f"🛑 {plan} was denied{_no(record)}"
        case PlanState.EXPIRED:
            return f"⌛ {plan} expired: not enough people confirmed it in time." if is_ruled(record) else ""
        case PlanState.LAPSED if later.is_missed(record):
            return f"⌛ {plan} was not run. {later.missed(record)}"
        case PlanState.LAPSED:
            return f"⌛ {plan} lapsed: it was confirmed but could not start in time. Nothing was touched."
        case _:
            who = f" by {mention(record.ended_by.user)}" if record.ended_by else ""
            words = (f"🚫 {plan} was canceled{who}.", escape(record.note), "Nothing was touched.")
            return " ".join(filter(None, words))


def _given(record: Record) -> str:
    return ", ".join(f"{mention(each.actor.user)} at {blocks.date(each.at)}" for each in record.approvers)


def _askers(record: Record) -> str:
    asked = [record.requester, *([record.changed_by] if record.changed_by else [])]
    return " and ".join(dict.fromkeys(mention(actor.user) for actor in asked))
