"""Who still has to say yes: in words, as a button, and as small print."""

from bot import policy
from bot.record import Record
from handlers import blocks
from handlers.blocks import Block, code, escape, mention
from handlers.cards import incident, later, parts, people
from handlers.ids import ActionId
from handlers.values import PlanRef


def is_ruled(record: Record) -> bool:
    """Whether a rule of the operators governs the plan, not the built-in one."""
    return record.quorum.rule not in ("", policy.BUILT_IN_RULE)


def needs(record: Record) -> str:
    """How many Confirms of whom, and whose press does not count. Groups are mentioned, which notifies when the card is
    posted; edits notify nobody."""
    quorum, has = record.quorum, len(record.approvers)
    if record.incident:
        return incident.needs(record)
    if not is_ruled(record):
        return f"needs {quorum.needed} Confirm from this channel's members (has {has})"
    whom = " and ".join(people.whom(who, quorum) for who in quorum.who)
    by = f" ({given(record)})" if has else ""
    own = "" if quorum.own_counts else f" Asked for by {_askers(record)}, whose own press does not count."
    return f"👥 *Needs {quorum.needed} of {whom}*, has {has}{by}.{own}{_hopeless(record)}"


def _hopeless(record: Record) -> str:
    """Why there is no Confirm, where nobody could press it."""
    if not record.quorum.hopeless:
        return ""
    able = f"Only {record.quorum.able}" if record.quorum.able else "Nobody"
    return f"\n⛔ *{able} could confirm it.* The rule or the group must be mended first; then press Modify."


def waits(record: Record) -> str:
    """What a plan that may run waits for."""
    needed, has = record.quorum.needed, len(record.approvers)
    if needed == 1:
        return "✋ *Waiting for Confirm*"
    missing = needed - has
    return f"✋ *Waiting for {missing}{' more' if has else ''} Confirm{'' if missing == 1 else 's'}*"


def asked(record: Record) -> list[Block]:
    """The same as a paragraph, where it is no small matter."""
    return [blocks.section(needs(record))] if is_ruled(record) and not record.plan.blocked else []


def terms(record: Record) -> Block:
    """The small print of a plan that waits for its Confirm."""
    said = [parts.people(record)]
    said += [f"{given.consent} accepted by {mention(given.actor.user)}" for given in record.accepted]
    if not record.plan.blocked:
        said.append(f"rule “{escape(record.quorum.rule)}”" if is_ruled(record) else needs(record))
    return blocks.context(" · ".join([*said, later.expiry(record), f"plan {code(record.id)}"]))


def lost(record: Record) -> list[Block]:
    """Why an approval was lost."""
    return [blocks.section(f"⚠️ *Confirm again:* {escape(record.note)}")] if record.note else []


def confirm(record: Record, title: str, sentence: str, deed: str) -> list[Block]:
    """Confirm, with the question behind it; nothing where nobody could press it."""
    if record.quorum.hopeless:
        return []
    sentence += later.in_the_dialog(record) + incident.in_the_dialog(record)
    needed = record.quorum.needed
    usual = "Confirm" if needed == 1 else f"Confirm ({len(record.approvers) + 1} of {needed})"
    question = blocks.dialog(title, sentence, deed, "Not yet")
    value = PlanRef(plan=record.id, revision=record.revision).dump()
    word = incident.word(record, usual)
    return [blocks.button(word, ActionId.CONFIRM, value, style="primary", confirm=question)]


def deny_buttons(record: Record, value: str) -> list[Block]:
    """Deny, where approvers are not simply everybody."""
    return [blocks.button("Deny", ActionId.DENY, value)] if is_ruled(record) else []


def given(record: Record) -> str:
    """Who has confirmed it, and when."""
    return ", ".join(f"{mention(each.actor.user)} at {blocks.date(each.at)}" for each in record.approvers)


def _askers(record: Record) -> str:
    asked = [record.requester, *([record.changed_by] if record.changed_by else [])]
    return " and ".join(dict.fromkeys(mention(actor.user) for actor in asked))
