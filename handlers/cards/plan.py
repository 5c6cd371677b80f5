"""The plan card: what would happen, why it may or may not, and the three buttons.

Its first line says what the card is and what it wants. Once the plan is decided the buttons go, and the card says who
decided.
"""

from bot import describe
from bot.checks import Severity
from bot.migration import MoveState, PlanState
from bot.plan import Move
from bot.progress import moving
from bot.record import PinState, Record, Run
from bot.request import MoveType
from handlers import blocks
from handlers.blocks import Block, code, escape
from handlers.cards import checked, incident, instead, later, parts, pin, quorum, verdict
from handlers.cards.card import Card
from handlers.ids import ActionId
from handlers.values import PlanRef

_LONG = 600
"""Characters of a sentence of ours that names a node twice."""
_REPLANNED = (PlanState.EXPIRED, PlanState.LAPSED, PlanState.FAILED, PlanState.PARTLY_FAILED, PlanState.STOPPED)


def plan_card(record: Record) -> Card:
    """The card of a plan of one move in any state."""
    move, status, sign = record.plan.moves[0], _status(record), incident.sign(record)
    head = [blocks.header(f"{sign}Move plan: {parts.title(move)}"), blocks.section(status)]
    body = _open(record, move) if record.state is PlanState.PROPOSED else _decided(record)
    why = _in_the_way(move) if record.state is PlanState.PROPOSED else ""
    return Card(f"{sign}{status}{why} Move plan: {parts.subject(record)}.", (*head, *body))


def _in_the_way(move: Move) -> str:
    """Why a plan is blocked, for a lock screen; on the card that stands below. Where it asks, it says so itself."""
    if move.undecided or instead.lacks_node(move):
        return ""
    return next((f" {escape(each.text)}" for each in move.findings if each.severity is Severity.BLOCK), "")


def _status(record: Record) -> str:
    move = record.plan.moves[0]
    name = f"*{escape(move.vm, blocks.NAME)}*"
    match record.state:
        case PlanState.PROPOSED if move.undecided:
            return f"❓ *Live or cold?* I cannot tell for {name}. Nothing was touched."
        case PlanState.PROPOSED if instead.lacks_node(move):
            return f"❓ *Which node?* A cold move of {name} needs one. Nothing was touched."
        case PlanState.PROPOSED if move.blocked:
            return f"⛔ *Blocked.* {name} cannot be moved like this. Nothing was touched."
        case PlanState.PROPOSED:
            return f"{quorum.waits(record)} {_deed(move, name)}{later.from_when(record)}. Nothing was touched yet."
        case PlanState.APPROVED:
            return f"✅ *Confirmed.* The move of {name} starts now."
        case PlanState.SCHEDULED:
            return later.waiting(record, name)
        case PlanState.RUNNING:
            return _running(record.runs[0], name)
        case _ if verdict.is_unrun(record):
            return verdict.status(record)
        case _:
            return _ended(record)


def _ended(record: Record) -> str:
    """How one that ran has ended."""
    if record.state is PlanState.SUCCEEDED:
        return f"✅ *Done.* {_arrival(record)}. The report is in the thread{_asks_about_pin(record.runs[0])}."
    if record.state is PlanState.CANCELED:
        who = parts.ended_by(record)
        return f"🛑 *Canceled while it ran*{who}. {_arrival(record)}. The report is in the thread."
    return f"❌ *Failed.* {_arrival(record)}. The report in the thread says why."


def _deed(move: Move, name: str) -> str:
    """What a Confirm lets happen to the VM, since some would not press it if they knew."""
    if describe.only_places(move):
        return f"to pin {name}, stopped as it is"
    if move.type is MoveType.COLD:
        return f"to *stop* {name}, move it and start it again"
    return f"to move {name} live, without stopping"


def _running(run: Run, name: str) -> str:
    down = run.down_since and not run.up_since
    if run.state is MoveState.ASKING:
        stuck = "is stuck, and it is down" if down else "is stuck"
        return f"❓ *Waiting for an answer.* The move of {name} {stuck}; the thread asks how to go on."
    if run.homeward:
        return f"↩️ *Going back.* {name} gets its old placement back; the thread says why and how far it is."
    if run.called_off and run.result is None:
        return f"🛑 *Canceling* the move of {name}, where the cluster still can; the thread tells how it ends."
    word = "⏳ *Taking longer than allowed.*" if run.state is MoveState.UNKNOWN else "🔄 *Moving.*"
    where = "is stopped for its move" if down else "is on its way"
    return f"{word} {name} {where}; the thread shows how far it is."


def _arrival(record: Record) -> str:
    result = record.runs[0].result
    assert result is not None, "a plan that ran and has ended has a result"
    return escape(describe.whereabouts(moving(record, 0), result))


def _asks_about_pin(run: Run) -> str:
    asked = run.pin and run.pin.state is PinState.ASKED and not pin.is_reminded(run)
    return ", and asks what becomes of the node affinity" if asked else ""


def _open(record: Record, move: Move) -> list[Block]:
    made = [*incident.mark(record), *parts.reason(record), *parts.drift(record)]
    made += [*quorum.lost(record), *later.starts(record)]
    made += [*checked.findings(move), *instead.nodes(record, move), parts.table(describe.rows(record.plan, move))]
    made += [] if move.blocked else [*_loads(move), *_outlook(move)]
    made += [*checked.summary(record, move), *quorum.asked(record)]
    return [*made, quorum.terms(record), _buttons(record, move)]


def _decided(record: Record) -> list[Block]:
    made = [*incident.mark(record), parts.table(describe.summary(moving(record, 0)))]
    made += parts.drift(record) if record.state is PlanState.LAPSED else []
    return [*made, *parts.reason(record), blocks.context(parts.people(record)), *last_ways(record)]


def last_ways(record: Record) -> list[Block]:
    """Until the first write it can still be canceled here; afterwards in the thread, where its progress is."""
    if record.state in (PlanState.APPROVED, PlanState.SCHEDULED):
        value = PlanRef(plan=record.id, revision=record.revision).dump()
        return [blocks.actions(*quorum.deny_buttons(record, value), _cancel(record))]
    return [blocks.actions(parts.again(record))] if record.state in _REPLANNED else []


def _cancel(record: Record) -> Block:
    value = PlanRef(plan=record.id, revision=record.revision).dump()
    return blocks.button("Cancel", ActionId.CANCEL, value)


def _loads(move: Move) -> list[Block]:
    """What the two nodes carry before and after."""
    if not move.shifts:
        return []
    rows = [f"{code(row.label)}  {row.value}" for row in describe.loads(move)]
    return [blocks.section("\n".join(["*Nodes, before → after* (given to their VMs)", *rows]))]


def _outlook(move: Move) -> list[Block]:
    steps = "\n".join(f"{number}. {escape(line)}" for number, line in enumerate(describe.steps(move), 1))
    effects = "\n".join(f"{'✅' if effect.good else '⚠️'} {effect.text}" for effect in describe.impact(move))
    expected, note = describe.estimate(move), describe.pin_note(move)
    return [
        blocks.section(f"*What will happen*\n{steps}"),
        blocks.section(f"*Impact*\n{effects}"),
        blocks.section(
            f"⏱️ *{expected.label}:* {expected.value}\n↩️ *Rollback:* {escape(describe.rollback(move), _LONG)}"
        ),
        *([blocks.section(f"📌 *The pin:* {escape(note, _LONG)}")] if note else []),
    ]


def _buttons(record: Record, move: Move) -> Block:
    value = PlanRef(plan=record.id, revision=record.revision).dump()
    modify = blocks.button("Modify", ActionId.MODIFY, value)
    refuse = [*incident.button(record, value), *quorum.deny_buttons(record, value)]
    return blocks.actions(*_way_on(record, move, value), modify, *refuse, _cancel(record))


def _way_on(record: Record, move: Move, value: str) -> list[Block]:
    """Confirm; or what works instead; or the choice that nobody has made yet, or a revision that replaces the rules in
    its way."""
    if not move.blocked:
        title, sentence, deed = _question(move)
        confirm = quorum.confirm(record, f"{title} {blocks.clip(move.vm, 60)}?", sentence, deed)
        suggest = [] if move.target else [blocks.button("Suggest a node", ActionId.SUGGEST, value)]
        return [*confirm, *suggest]
    if move.undecided:
        return [
            blocks.button("Move it live", ActionId.USE_LIVE, value),
            blocks.button("Move it cold", ActionId.USE_COLD, value),
        ]
    replace = [blocks.button("Replace them", ActionId.REPLACE_RULES, value)] if _may_replace_rules(move) else []
    return [*instead.buttons(record, move, value), *replace]


def _may_replace_rules(move: Move) -> bool:
    """Whether nothing but the VM's own rules forbids a cold move."""
    blocking = {finding.code for finding in move.findings if finding.severity is Severity.BLOCK}
    return move.type is MoveType.COLD and blocking == {"rules-contradict"}


def _question(move: Move) -> tuple[str, str, str]:
    """Title, sentence and word of the dialog behind Confirm; what it costs stands in its last sentence."""
    vm, route = blocks.clip(describe.vm(move), 100), blocks.clip(describe.route(move), 90)
    if describe.only_places(move):
        return "Pin", f"{vm} is pinned {route}. It does not run and is not started.", "Pin it"
    if move.type is MoveType.COLD:
        sentence = f"{vm} stops, moves {route} and starts. Downtime: {describe.cold_downtime(move)}."
        return "Stop and move", sentence + _over(move), "Stop and move it"
    return "Move", f"{vm} moves {route}. It keeps running.{_over(move)}", "Move it"


def _over(move: Move) -> str:
    return " It overcommits the target." if any(each.overcommitted for each in move.shifts) else ""
