"""What one person reads alone: help, a refusal, and the word when the bot itself has failed."""

from collections.abc import Mapping

from bot.errors import BotError, NothingToDo, WhichNamespace
from bot.policy import Action
from bot.record import Record
from bot.request import Ambiguous, MoveRequest, Reading
from handlers import blocks
from handlers.blocks import Block, code, escape, named
from handlers.cards import parts
from handlers.cards.card import Card
from handlers.fitting import LIST_SIZE, within
from handlers.ids import ActionId, CommandName

_FORMS = (
    ("web-01 worker-05", "move web-01 to worker-05; sentences work, too: “live migrate web-01 to worker-05”"),
    ("production/web-01 worker-05", "say which namespace; or “in production”"),
    ("web-01", "let the scheduler choose the node (live moves only)"),
    ("web-01 worker-05 --live", "insist on a live move: the VM keeps running"),
    ("web-01 worker-05 --cold", "move it cold: stop it, pin it to the node, start it there; works with any disk"),
    (
        "web-01 worker-05 --cold --replace-rules",
        "and set aside rules of its own that forbid the node, as long as the pin stays",
    ),
    ('web-01 worker-05 --reason "..."', "say why; the card shows it"),
    ("web-01 worker-05 --at 02:00", "confirm now, move then, by your clock; or --in 30m, --window 22:00-02:00"),
    (
        'web-01 worker-05 --incident INC-42 "..."',
        "without the usual approvals, where a rule says who may; everybody is told",
    ),
    ("web-01, web-02 to worker-05", "several in one plan; also “web-01 to worker-03, web-02 to worker-04”"),
    ("everything on worker-02", "empty a node; or --selector app=web"),
    ("bring-back worker-02", "take home what that moved away"),
    ("status [web-01]", "the open plans of this channel"),
    ("history [web-01] [--last 7d]", "what has ended in this channel, and how"),
    ("pins", "the VMs that a cold move has left pinned to a node"),
)

_ALLOWED: Mapping[Action, str] = {
    Action.REQUEST: "ask for moves",
    Action.CONFIRM: "confirm plans",
    Action.DENY: "deny plans",
    Action.CANCEL: "cancel plans",
    Action.UNPIN: "remove pins",
}


def help_card(may: frozenset[Action] | None = None, why_not: str = "") -> Card:
    """What this person can do here. None: nobody is asked about, so it is all that there is."""
    text = "I move virtual machines between nodes, after somebody has confirmed the plan."
    if may is not None and not may:
        reason = f" {escape(why_not)}" if why_not else ""
        return Card(text, (blocks.section(f"{text}\nHere you can only look on.{reason}"),))
    asking = _forms() if may is None or Action.REQUEST in may else []
    return Card(text, (blocks.section(text), *asking, *_allowed(may), blocks.context(_AFTER)))


_AFTER = (
    "A plan card appears in the channel first. Nothing is touched until somebody who may has pressed Confirm on it."
)


def _forms() -> list[Block]:
    forms = "\n".join(f"• {code(f'{CommandName.MIGRATE} {form}')} {meaning}" for form, meaning in _FORMS)
    listing = f"• {code(f'{CommandName.INVENTORY} [namespace] [--node worker-02]')} the VMs there are"
    kinds = (
        "Without --live or --cold the VM decides: live where its disks can be shared, else cold. In a message, or in a "
        "thread, begin with @vm-migrate instead of the command."
    )
    return [blocks.section(f"{forms}\n{listing}"), blocks.section(kinds)]


def _allowed(may: frozenset[Action] | None) -> list[Block]:
    if may is None:
        return []
    words = [word for action, word in _ALLOWED.items() if action in may]
    return [blocks.section(f"*Here you may* {', '.join(words)}, as far as the rules for each VM allow it.")]


def ambiguous_card(asked: Ambiguous) -> Card:
    """What a request may have meant, each with its button; nothing is guessed."""
    text = f"❓ {escape(asked.question)}"
    readings = [_reading(reading) for reading in asked.readings]
    return Card(text, (blocks.section(text), *readings, blocks.context("Only you see this · nothing was planned yet")))


def namespaces_card(request: MoveRequest, which: WhichNamespace) -> Card:
    """Which of several VMs of one name, to be picked from a menu; what is too long for an option, behind buttons."""
    asked = [(name, request.model_copy(update={"namespace": name})) for name in which.namespaces]
    text = f"❓ {len(asked)} namespaces have a VM named {code(request.vm)}. Which one do you mean?"
    if all(len(str(meant)) <= blocks.OPTION_VALUE for _, meant in asked):
        shown = within(LIST_SIZE, (blocks.option(name, str(meant)) for name, meant in asked))
        menu = blocks.select(ActionId.PICK_NAMESPACE, shown, placeholder="Choose a namespace")
        choices = [blocks.actions(menu)]
    else:
        shown = choices = within(LIST_SIZE, (_reading(Reading(label=name, request=meant)) for name, meant in asked))
    more = len(asked) - len(shown)
    rest = f"{more} more are left out: write the namespace before the name. " if more else ""
    return Card(
        text, (blocks.section(text), *choices, blocks.context(f"{rest}Only you see this · nothing was planned yet"))
    )


def _reading(reading: Reading) -> Block:
    meant = str(reading.request)
    text = f"*{escape(reading.label)}*\n{code(meant, blocks.SENTENCE)}"
    fits = len(meant) <= blocks.BUTTON_VALUE
    return blocks.section(text, blocks.button("This one", ActionId.READING, meant) if fits else None)


def pointer_card(record: Record, link: str) -> Card:
    """For the thread in which somebody asked: where the plan is. Nobody edits it, so it says nothing that changes."""
    where = f"<{link}|plan card>" if link.startswith("https://") else "plan card"
    text = (
        f"📋 To move {parts.subject(record)} there is a {where} in the channel. Nothing moves before a Confirm there."
    )
    return Card(text, (blocks.section(text),))


def refusal_card(error: BotError) -> Card:
    """What is wrong and what to do about it."""
    sign = "ℹ️" if isinstance(error, NothingToDo) else "⚠️"
    text = named(f"{sign} {escape(error.what)}\n→ {escape(error.remedy)}")
    return Card(text, (blocks.section(text), blocks.context(f"Only you see this · {code(error.code)}")))


def fault_card(incident: str) -> Card:
    """Something unforeseen. The id is all that a person needs to hand on; the rest is in the log."""
    text = (
        "💥 *Something went wrong in the bot.* The card shows how far it got.\n"
        f"→ Tell the bot's owner this id: {code(incident)}; the log has the details."
    )
    return Card(text, (blocks.section(text),))
