"""Who still has to say yes, and what became of it, in words."""

from bot import policy
from bot.migration import PlanState
from bot.record import Record
from handlers import blocks
from handlers.blocks import Block, escape, mention
from handlers.cards import incident, later, parts, people
from handlers.cards.card import Card
from handlers.ids import ActionId


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


def verdict_card(record: Record) -> Card | None:
    """A word in the thread for whoever asked, once it is decided by others."""
    if not _is_news(record) or not (words := _verdict(record)):
        return None
    text = f"{mention(record.requester.user)} {words}"
    return Card(text, (blocks.section(text),))


def _is_news(record: Record) -> bool:
    """Whether the requester might not know what has become of the plan. Where no rule governs it, a plan that runs
    tells so itself."""
    ended_by_another = record.ended_by is not None and record.ended_by.id != record.requester.id
    told = is_ruled(record) or ended_by_another or later.is_missed(record)
    return told and record.state is not PlanState.PROPOSED


def _verdict(record: Record) -> str:
    """Names the VMs: on a lock screen it stands alone."""
    plan = f"your plan for *{parts.names(record)}*"
    if record.state is PlanState.DENIED:
        return f"🛑 {plan} was denied{_no(record)}"
    if record.state is PlanState.EXPIRED:
        return f"⌛ {plan} expired: not enough people confirmed it in time."
    if later.is_missed(record):
        return f"⌛ {plan} was not run. {later.missed(record)}"
    if record.state is PlanState.CANCELED and not any(run.result for run in record.runs):
        note = escape(record.note)
        who = f" by {mention(record.ended_by.user)}" if record.ended_by else ""
        return f"🚫 {plan} was canceled{who}. {note}".strip()
    return f"✅ {plan} is confirmed by {_given(record)}.{later.verdict(record)}" if record.approvers else ""


def _given(record: Record) -> str:
    return ", ".join(f"{mention(each.actor.user)} at {blocks.date(each.at)}" for each in record.approvers)


def _askers(record: Record) -> str:
    asked = [record.requester, *([record.changed_by] if record.changed_by else [])]
    return " and ".join(dict.fromkeys(mention(actor.user) for actor in asked))
