"""An incident's plan, loud in the open: the mark on its card, the word to whoever was passed over, the audit channel,
and the timeline at the end."""

from collections.abc import Iterable, Mapping

from bot import migration, policy
from bot.migration import PlanEvent, PlanState
from bot.record import Incident, Moment, Record
from handlers import blocks
from handlers.blocks import Block, code, date, escape, mention, mention_channel
from handlers.cards import parts
from handlers.cards.card import Card
from handlers.cards.people import whom
from handlers.fitting import pages, paragraphs
from handlers.ids import ActionId, Slot

_LINE = 120
"""Characters of one line of a timeline."""
_AT = "{time_secs}"
_STANDS: Mapping[PlanState, str] = {
    PlanState.PROPOSED: "*waits for its Confirm*",
    PlanState.APPROVED: "*starts now*",
    PlanState.SCHEDULED: "*waits for its time*",
    PlanState.RUNNING: "is *running*",
    PlanState.PAUSED: "is *paused*",
    PlanState.SUCCEEDED: "has *succeeded*",
    PlanState.PARTLY_FAILED: "has *partly failed*",
    PlanState.FAILED: "has *failed*",
    PlanState.STOPPED: "was *stopped*",
    PlanState.CANCELED: "was *canceled*",
    PlanState.DENIED: "was *denied*",
    PlanState.EXPIRED: "has *expired*",
    PlanState.LAPSED: "has *lapsed*",
}
_ENDED_BY_SOMEBODY = (PlanState.STOPPED, PlanState.CANCELED, PlanState.DENIED)


def sign(record: Record) -> str:
    """What its title begins with."""
    return "🚨 Incident: " if record.incident else ""


def mark(record: Record) -> list[Block]:
    """What stands on top of its card."""
    return [blocks.section(_marked(record.incident))] if record.incident else []


def _marked(incident: Incident) -> str:
    return f"🚨 *INCIDENT {code(incident.id)}*, declared {_declared(incident)}"


def _loud(record: Record, incident: Incident) -> str:
    """The same away from its card, where it has to say first what it is about: on a lock screen it stands alone."""
    return f"🚨 *INCIDENT {code(incident.id)}:* {parts.subject(record)}. Declared {_declared(incident)}"


def _declared(incident: Incident) -> str:
    told = f"by {mention(incident.by.user)} at {date(incident.at)}: {escape(incident.reason)}"
    return f"{told}\nThe usual approvals are waived by rule “{escape(incident.rule)}”."


def needs(record: Record) -> str:
    """Who may confirm it, and until when."""
    who = " and ".join(whom(each, record.quorum) for each in record.quorum.who)
    return f"👥 *One of {who}* confirms it, also whoever declared it, until {date(record.expires_at)}."


def word(record: Record, usual: str) -> str:
    """The word on the button."""
    return "Confirm for the incident" if record.incident else usual


def in_the_dialog(record: Record) -> str:
    """What the dialog behind Confirm adds."""
    return " Nobody else is asked; it is told to all, and looked at afterwards." if record.incident else ""


def button(record: Record, value: str) -> list[Block]:
    """The way to declare one, on a plan that waits for others; only where somebody may."""
    waits = record.quorum.needed > 1 or not record.quorum.own_counts or policy.CHANNEL not in _all(record)
    if record.incident or not record.quorum.incident or record.plan.blocked or not waits:
        return []
    return [blocks.button("Incident…", ActionId.INCIDENT, value)]


def at_once(record: Record) -> dict[str, Card]:
    """What is said besides the card, as soon as it is declared; each time in messages of its own."""
    if record.incident is None:
        return {}
    number = len(record.edits)
    made = {_slot(Slot.INCIDENT, number): _passed_over(record, record.incident)}
    if record.incident.audit_channel:
        made[_slot(Slot.AUDIT, number)] = _audit(record, record.incident)
    return made


def settled(record: Record) -> dict[str, Card]:
    """What stands in place of that once somebody has changed the plan, which ends the incident."""
    text = f"🚨 *No incident's any more:* {parts.subject(record)}. The plan was changed; the usual approvals count."
    over = Card(text, (blocks.section(text),))
    until = len(record.edits) if record.incident else len(record.edits) + 1
    return {_slot(word, number): over for number in range(until) for word in (Slot.INCIDENT, Slot.AUDIT)}


def _slot(word: Slot, number: int) -> str:
    """`number`: of the changes before it was declared, of which each ends an incident."""
    return f"{word}_{number}" if number else word.value


def afterwards(record: Record) -> dict[str, Card]:
    """What is said when all is over."""
    if record.incident is None or record.incident.timeline is None:
        return {}
    return _timeline(record.incident, record.incident.timeline)


def _passed_over(record: Record, incident: Incident) -> Card:
    """Mentions those who would have been asked, as long as they can deny it also with the way to do so."""
    skipped = incident.skipped
    who = " and ".join(whom(each, skipped) for each in skipped.who)
    may = PlanEvent.DENIED in migration.PLAN[record.state]
    deny = " Deny it on the card if it must not run." if may else ""
    text = f"{_loud(record, incident)}\n{who}: usually it would need {skipped.needed} of you.{deny}"
    return Card(text, (blocks.section(text),))


def _audit(record: Record, incident: Incident) -> Card:
    where = f"In {mention_channel(record.place.channel)} it {_stands(record)}"
    text = f"{_loud(record, incident)}\n{where}"
    return Card(text, (blocks.section(text), blocks.context(f"plan {code(record.id)}")))


def untold_card(incident: Incident) -> Card:
    """In the thread, where the audit channel does not let the bot write."""
    channel = mention_channel(incident.audit_channel)
    text = f"⚠️ The audit channel {channel} was not told: I may not write there. Tell them yourselves."
    return Card(text, (blocks.section(text),))


def _stands(record: Record) -> str:
    by = f" by {mention(record.ended_by.user)}" if record.ended_by and record.state in _ENDED_BY_SOMEBODY else ""
    confirmed = ", ".join(mention(given.actor.user) for given in record.approvers)
    after = f"; confirmed by {confirmed}" if confirmed else ""
    return f"{_STANDS[record.state]}{by}{after}."


def _timeline(incident: Incident, moments: Iterable[Moment]) -> dict[str, Card]:
    """Fit for a review: every step with its time and whoever took it, in as many messages as that takes."""
    title = f"🧾 *Timeline of incident {code(incident.id)}*: {escape(incident.reason)}"
    made: dict[str, Card] = {}
    for number, page in enumerate(pages(map(_line, moments))):
        headline = f"🧾 *The timeline of {code(incident.id)} goes on.*" if number else title
        slot = f"{Slot.TIMELINE}_{number}" if number else Slot.TIMELINE.value
        made[slot] = Card(headline, (blocks.section(headline), *paragraphs(page)))
    return made


def _line(moment: Moment) -> str:
    who = f" {mention(moment.actor.rpartition('/')[2])}" if moment.actor else ""
    return f"{date(moment.at, _AT)}{who} {escape(moment.text, _LINE)}"


def _all(record: Record) -> frozenset[str]:
    return frozenset(who for each in record.quorum.who for who in each)
