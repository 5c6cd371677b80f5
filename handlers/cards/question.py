"""The questions of a cold move that is stuck, each a message of its own in the thread.

Each time that people are asked is a new message, since Slack notifies nobody of an edit. It stands as long as the move
asks; afterwards `settled_card` takes its place, so that no button stays that does nothing, and says who chose what.
What is never decided without a click is said on the card.
"""

from collections.abc import Mapping

from bot import cold, describe
from bot.migration import MoveState
from bot.plan import Move
from bot.progress import moving
from bot.record import Asking, Choice, Doubt, Question, Record, Run
from handlers import blocks
from handlers.blocks import Block, code, date, escape, mention
from handlers.cards import parts
from handlers.cards.card import Card
from handlers.ids import ActionId, Slot
from handlers.values import DoubtRef

_SECONDS = "{time_secs}"
_MORE = describe.duration(cold.WAIT_MORE)

_MEANINGS: Mapping[Doubt, Mapping[Choice, str]] = {
    Doubt.STOPPING: {
        Choice.WAIT: f"*Keep waiting*: I ask again in {_MORE}, unless it is gone by then.",
        Choice.FORCE: "*Force stop*: like pulling the plug. What the guest has not written to its disks is lost.",
        Choice.HOME: (
            "*Bring it home*: the shutdown cannot be called back, but once it is over the VM gets its old placement "
            "back and is started."
        ),
    },
    Doubt.STARTING: {
        Choice.WAIT: f"*Keep waiting*: I ask again in {_MORE}, unless it is up by then.",
        Choice.ELSEWHERE: "*Another node*: it is stopped and started there instead; you choose the node.",
        Choice.HOME: (
            "*Bring it home*: it is stopped, gets its old placement back and is started on any node that this allows."
        ),
    },
}


def slots(record: Record, index: int) -> list[str]:
    """The messages of all times that people were asked about a move, oldest first."""
    return [f"{Slot.QUESTION}_{index}_{number}" for number in range(len(record.runs[index].askings))]


def open_card(record: Record, index: int) -> Card:
    """Asks how to go on, in the cluster's own words where it has any."""
    move, question = moving(record, index), record.runs[index].question
    assert question is not None, "a move that asks has a question"
    stuck = escape(describe.doubt(move.target_name, question.doubt))
    down = " is down" if question.doubt is Doubt.STARTING else ""
    headline = f"❓ *{escape(move.vm, blocks.NAME)}{down}: {stuck}.* How shall I go on?"
    body = [blocks.section(headline), *_asked(record, index, question), blocks.context(parts.people(record))]
    return Card(headline, tuple(body))


def settled_card(record: Record, index: int, number: int) -> Card:
    """What stands in place of a question that is open no longer."""
    move, asking = record.plan.moves[index], record.runs[index].askings[number]
    asked = f"*{escape(move.vm, blocks.NAME)}: {escape(describe.doubt(asking.towards, asking.doubt))}.*"
    text = f"{_SIGNS[asking.choice]} {asked} {_settled(asking)}"
    return Card(text, (blocks.section(text),))


def is_open(run: Run) -> bool:
    """Whether people are asked now."""
    return run.state is MoveState.ASKING and run.question is not None


def force(record: Record, index: int, doubt: Doubt) -> Block:
    """The button that asks twice."""
    vm = moving(record, index).vm
    warning = blocks.dialog(
        f"Force stop {blocks.clip(vm, 60)}?",
        "It is switched off at once, like pulling the plug. Data that the guest has not written to its disks is lost, "
        "and its file systems may be damaged.",
        "Force stop",
        "Keep waiting",
        style="danger",
    )
    return blocks.button("Force stop", ActionId.FORCE, _value(record, index, doubt), style="danger", confirm=warning)


def _asked(record: Record, index: int, question: Question) -> list[Block]:
    move, run = moving(record, index), record.runs[index]
    options = [choice for choice in cold.OPTIONS[question.doubt] if not (choice is Choice.HOME and run.homeward)]
    meanings = "\n".join(f"• {_MEANINGS[question.doubt][choice]}" for choice in options)
    return [
        blocks.section(_situation(move, run, question)),
        *parts.why(question.cause, "*Why:*"),
        blocks.section(f"{meanings}\n{_without_answer(question)}"),
        blocks.actions(*(_button(record, index, question.doubt, choice) for choice in options)),
    ]


def _situation(move: Move, run: Run, question: Question) -> str:
    if question.doubt is Doubt.STOPPING:
        asked = f" at {date(run.stopping_since, _SECONDS)}" if run.stopping_since else ""
        grace = f" of {run.originals.grace_seconds} s" if run.originals else ""
        return f"It was told to stop{asked}; its own grace period{grace} is over and it still holds its disks."
    down = f" The VM was told to stop at {date(run.stopped_at, _SECONDS)} and is down." if run.stopped_at else ""
    return f"It was started on {code(move.target_name)}, but does not run there.{down}"


def _without_answer(question: Question) -> str:
    if question.answer_by is None:
        return "Without an answer I go on waiting. Nothing is forced without a click."
    return f"Without an answer I bring it home at {date(question.answer_by, _SECONDS)}."


def _button(record: Record, index: int, doubt: Doubt, choice: Choice) -> Block:
    match choice:
        case Choice.FORCE:
            return force(record, index, doubt)
        case Choice.WAIT:
            return blocks.button("Keep waiting", ActionId.WAIT, _value(record, index, doubt))
        case Choice.HOME:
            return blocks.button("Bring it home", ActionId.HOME, _value(record, index, doubt))
        case Choice.ELSEWHERE:
            return blocks.button("Another node", ActionId.ELSEWHERE, _value(record, index, doubt))


def _value(record: Record, index: int, doubt: Doubt) -> str:
    return DoubtRef(plan=record.id, revision=record.revision, move=index, doubt=doubt).dump()


def _settled(asking: Asking) -> str:
    who = f", as {mention(asking.actor.user)} chose" if asking.actor else ""
    match asking.choice:
        case None:
            return "That is settled: the move has gone on by itself."
        case Choice.WAIT:
            again = f"; I ask again after {date(asking.until, _SECONDS)}" if asking.until else ""
            return f"Waiting on{who}{again}."
        case Choice.FORCE:
            return f"It was forced to stop{who}."
        case Choice.ELSEWHERE:
            return f"It goes to {code(asking.target)} instead{who}."
        case Choice.HOME:
            return f"It is brought home{who or ', since nobody answered in time'}."


_SIGNS: Mapping[Choice | None, str] = {
    None: "✅",
    Choice.WAIT: "⏳",
    Choice.FORCE: "⚡",
    Choice.ELSEWHERE: "➡️",
    Choice.HOME: "↩️",
}
