"""Cards as people get them: checked-in JSON for each state, Slack's limits, and names that try to be more."""

import json
import re
from collections.abc import Callable
from datetime import timedelta
from enum import Enum
from functools import cache
from typing import cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel
from slackblocks import _limits as slack

from bot import approval, policy, progress
from bot.diagnosis import Cause, WayOn
from bot.errors import BotError, NothingToDo
from bot.migration import PlanState
from bot.plan import Drift, LeftOut, Target
from bot.policy import Action
from bot.ports import PinnedVm
from bot.record import Record, Result
from bot.request import MoveType, Pace
from bot.sandbox.gallery import batch as batch_gallery
from bot.sandbox.gallery import cold as cold_gallery
from bot.sandbox.gallery import incident as incident_gallery
from bot.sandbox.gallery import later as later_gallery
from bot.sandbox.gallery import live as gallery
from handlers import blocks, cards
from handlers.cards import Card, parts
from handlers.cards.batch import batch_card
from handlers.ids import ActionId, Slot
from tests.facts import DANA, MEI, NOW, RAVI, proposed
from tests.slack.limits import MENTION, problems

GALLERY = (
    gallery.GALLERY | cold_gallery.GALLERY | incident_gallery.GALLERY | later_gallery.GALLERY | batch_gallery.GALLERY
)
CHECKS = re.compile(r"\b\d+ checks passed")
"""How many checks there are is no business of the cards."""
UPDATE_TEXT = 4000
LONGEST_NAME = 253
"""RFC 1123 subdomain; no longer name reaches a list."""


def buttons(card: Card) -> list[str]:
    return [button["action_id"] for block in card.blocks if block["type"] == "actions" for button in block["elements"]]


def all_cards(shown: Record) -> list[Card]:
    return [*cards.wanted(shown).values(), *cards.settled(shown).values()]


def first_line(card: Card) -> str:
    return str(next(block["text"]["text"] for block in card.blocks if block["type"] == "section"))


@pytest.mark.parametrize("name", GALLERY)
def test_cards_are_the_checked_in_ones(name: str, matches_snapshot: Callable[[str, object], None]) -> None:
    messages = cards.wanted(GALLERY[name]())
    shown = {slot: {"text": card.text, "blocks": [*card.blocks]} for slot, card in messages.items()}
    matches_snapshot(name, json.loads(CHECKS.sub("N checks passed", json.dumps(shown))))


@pytest.mark.parametrize("name", GALLERY)
def test_every_card_stays_within_slacks_limits(name: str) -> None:
    for card in all_cards(GALLERY[name]()):
        assert problems(card.stamped()) == []
        assert 0 < len(card.text) <= UPDATE_TEXT


def test_our_limits_are_not_laxer_than_an_independent_list() -> None:
    assert blocks.HEADER_TEXT <= slack.HEADER_TEXT_MAX_LENGTH
    assert blocks.SECTION_TEXT <= slack.SECTION_TEXT_MAX_LENGTH
    assert blocks.SECTION_FIELDS <= slack.SECTION_FIELDS_MAX_ITEMS
    assert blocks.FIELD_TEXT <= slack.SECTION_FIELDS_ITEM_MAX_LENGTH
    assert blocks.CONTEXT_TEXT <= slack.TEXT_MAX_LENGTH
    assert blocks.BUTTON_TEXT <= slack.BUTTON_TEXT_MAX_LENGTH
    assert blocks.CONFIRM_TITLE <= slack.CONFIRMATION_TITLE_MAX_LENGTH
    assert blocks.CONFIRM_TEXT <= slack.CONFIRMATION_TEXT_MAX_LENGTH
    assert blocks.CONFIRM_BUTTON <= slack.CONFIRMATION_CONFIRM_MAX_LENGTH
    assert blocks.OPTION_TEXT <= slack.OPTION_TEXT_MAX_LENGTH
    assert blocks.OPTION_VALUE <= slack.OPTION_VALUE_MAX_LENGTH
    assert blocks.OPTIONS <= slack.SELECT_OPTIONS_MAX_ITEMS
    assert blocks.LABEL <= slack.INPUT_LABEL_MAX_LENGTH
    assert blocks.HINT <= slack.INPUT_HINT_MAX_LENGTH


@pytest.mark.parametrize(
    ("make", "deed"),
    [
        (batch_gallery.batch_proposed, "✋ *Waiting for Confirm* to move *3 VMs*, *stopping 1 of them*."),
        (batch_gallery.batch_seven, "✋ *Waiting for Confirm* to move *7 VMs* live, without stopping."),
        (batch_gallery.batch_fifteen, "✋ *Waiting* to move *15 VMs*, *stopping 3 of them*: somebody has to accept"),
    ],
)
def test_a_batch_says_first_how_many_of_its_vms_will_be_stopped(make: Callable[[], Record], deed: str) -> None:
    card = cards.wanted(make())[Slot.CARD]
    assert first_line(card).startswith(deed)
    assert deed in card.text


@pytest.mark.parametrize(
    ("count", "deed"),
    [
        (1, "✋ *Waiting for Confirm* to *stop* *1 VM*, move it and start it again."),
        (3, "✋ *Waiting for Confirm* to *stop* *3 VMs*, move them and start them again."),
    ],
)
def test_a_batch_in_which_all_are_stopped_says_so_first(count: int, deed: str) -> None:
    whole = batch_gallery.batch_fifteen_accepted()
    moves = tuple(move for move in whole.plan.moves if move.type is MoveType.COLD)[:count]
    plan = whole.plan.model_copy(update={"moves": moves})
    shown = whole.model_copy(update={"plan": plan, "runs": whole.runs[:count]})
    assert first_line(batch_card(shown)).startswith(deed)


def test_a_plan_for_later_says_first_when_it_starts() -> None:
    shown = first_line(cards.plan_card(later_gallery.scheduled_proposed()))
    assert re.search(r"Waiting for Confirm.*, starting \*<!date\^\d+\^", shown)


def test_while_the_cluster_is_away_the_first_line_says_that_and_not_what_was_seen_last() -> None:
    shown = cards.wanted(gallery.cluster_away())[Slot.PROGRESS]
    assert first_line(shown).startswith("⚠️ *Waiting for the cluster* since")
    assert shown.text == first_line(shown)
    assert "▶️ *Running* copies the memory" in str(shown.blocks)


def test_a_move_that_is_being_canceled_says_so_first() -> None:
    assert "*Canceling* the move of *web-01*" in first_line(cards.plan_card(gallery.called_off()))


def test_what_an_incident_tells_away_from_its_card_says_first_what_would_move() -> None:
    told = cards.wanted(incident_gallery.incident_declared())
    for slot in (Slot.INCIDENT, Slot.AUDIT):
        assert first_line(told[slot]).startswith("🚨 *INCIDENT `INC-42`:* web-01 from worker-01 to worker-05.")


def test_a_sentence_names_three_vms_and_counts_the_others() -> None:
    assert parts.names(batch_gallery.batch_proposed()) == "web-01, web-02, app-vm"
    assert parts.names(batch_gallery.batch_seven()) == "web-01, web-02, web-03 and 4 more"


def test_an_open_plan_offers_confirm_modify_and_cancel() -> None:
    assert buttons(cards.plan_card(proposed())) == [ActionId.CONFIRM, ActionId.MODIFY, ActionId.CANCEL]


def test_a_blocked_plan_has_no_confirm_and_says_why_and_what_would_work() -> None:
    card = cards.plan_card(gallery.blocked())
    assert buttons(card) == [ActionId.MODIFY, ActionId.CANCEL]
    shown = str(card.blocks)
    assert "worker-05 is cordoned" in shown
    assert "uncordon it" in shown


def test_confirm_asks_again_with_the_vm_and_both_nodes() -> None:
    confirm = cards.plan_card(proposed()).blocks[-1]["elements"][0]["confirm"]
    question = confirm["title"]["text"] + confirm["text"]["text"]
    assert all(name in question for name in ("web-01", "production", "worker-01", "worker-05"))


@pytest.mark.parametrize(
    ("name", "left"),
    [
        ("approved", [ActionId.CANCEL]),
        ("started", []),
        ("canceled", []),
        ("succeeded", []),
        ("expired", [ActionId.AGAIN]),
        ("lapsed", [ActionId.AGAIN]),
        ("failed", [ActionId.AGAIN]),
    ],
)
def test_a_decided_plan_keeps_no_button_but_plan_again(name: str, left: list[str]) -> None:
    assert buttons(cards.plan_card(GALLERY[name]())) == left


def test_a_failure_offers_its_safest_way_first_and_its_runbook_once() -> None:
    report = cards.wanted(gallery.failed())[Slot.REPORT]
    assert buttons(report) == [ActionId.OTHER_NODE, ActionId.AGAIN, ActionId.RUNBOOK]
    elsewhere = Cause(code="cpu-model", what="w", remedy="r", ways=(WayOn.OTHER_NODE, WayOn.COLD))
    failed = progress.finish(gallery.copying(), 0, Result(node="worker-01", running=True, ready=True, cause=elsewhere))
    ways = [ActionId.OTHER_NODE, ActionId.USE_COLD, ActionId.AGAIN, ActionId.RUNBOOK]
    assert buttons(cards.wanted(failed)[Slot.REPORT]) == ways
    opened = cards.wanted(progress.show_runbook(failed, 0))
    assert buttons(opened[Slot.REPORT]) == ways[:-1]
    assert "The CPU of the target does not fit" in opened[f"{Slot.RUNBOOK}_0"].text


def test_the_gallery_shows_every_state_of_a_plan() -> None:
    assert {make().state for make in GALLERY.values()} == set(PlanState)


def test_drift_marks_what_was_and_what_is() -> None:
    shown = str(cards.plan_card(gallery.drifted()).blocks)
    assert "current node: ~worker-01~ → *worker-02*" in shown


def test_a_failure_says_first_where_the_vm_is_and_whether_it_runs() -> None:
    assert "web-01 is on worker-01 and running" in first_line(cards.wanted(gallery.failed())[Slot.REPORT])
    assert "is NOT running" in first_line(cards.wanted(gallery.failed_and_down())[Slot.REPORT])
    assert "could not read where web-01 is" in first_line(cards.wanted(gallery.failed_and_lost())[Slot.REPORT])


def test_the_delete_button_is_gone_once_the_migration_is() -> None:
    assert ActionId.CLEAN_UP in buttons(cards.wanted(gallery.succeeded())[Slot.REPORT])
    assert ActionId.CLEAN_UP not in buttons(cards.wanted(gallery.cleaned())[Slot.REPORT])


@pytest.mark.parametrize(
    ("make", "offered"),
    [
        (gallery.succeeded, True),
        (gallery.cleaned, True),
        (gallery.failed, False),
        (gallery.failed_and_lost, False),
        (cold_gallery.cold_succeeded, True),
        (cold_gallery.pin_kept, True),
        (cold_gallery.cold_wrong_node, True),
        (cold_gallery.cold_came_home, False),
        (cold_gallery.cold_not_even_home, False),
        (cold_gallery.placed, False),
    ],
)
def test_the_way_back_is_offered_where_the_vm_is_known_to_be_elsewhere(
    make: Callable[[], Record], *, offered: bool
) -> None:
    assert (ActionId.MOVE_BACK in buttons(cards.wanted(make())[Slot.REPORT])) is offered


def test_nothing_stands_in_the_thread_before_the_first_write() -> None:
    assert list(cards.wanted(gallery.approved())) == [Slot.CARD]


def test_each_time_that_a_move_is_overdue_is_a_message_of_its_own_and_the_older_ones_have_no_buttons() -> None:
    assert "overdue_0_0" in cards.wanted(gallery.overdue())
    again = gallery.overdue_again()
    assert buttons(cards.wanted(again)["overdue_0_1"]) == [ActionId.WATCH_ON, ActionId.CALL_OFF]
    assert buttons(cards.settled(again)["overdue_0_0"]) == []
    assert "overdue_0_0" not in cards.wanted(gallery.overdue_and_watched())


@pytest.mark.parametrize(
    ("make", "offered"),
    [
        (gallery.copying, True),
        (gallery.not_called_off, True),
        (gallery.called_off, False),
        (gallery.post_copy, False),
        (gallery.succeeded, False),
        (cold_gallery.cold_down, True),
        (cold_gallery.cold_called_off, False),
        (cold_gallery.placing, False),
    ],
)
def test_cancel_is_offered_while_it_can_work(make: Callable[[], Record], *, offered: bool) -> None:
    assert (ActionId.CALL_OFF in buttons(cards.wanted(make())[Slot.PROGRESS])) is offered


def test_an_unchanged_plan_gives_the_same_digest_and_a_changed_one_new_block_ids() -> None:
    before, same, after = (cards.plan_card(GALLERY[name]()) for name in ("proposed", "proposed", "approved"))
    assert before.digest == same.digest
    ids = [{block["block_id"] for block in card.stamped()} for card in (before, after)]
    assert not ids[0] & ids[1]


def test_refusals_tell_the_code_and_the_remedy_and_an_answer_is_no_warning() -> None:
    refused = cards.refusal_card(BotError("unknown-vm", "There is no VM named <web>.", "Did you mean web-01?"))
    assert "&lt;web&gt;" in refused.text
    assert "Did you mean web-01?" in refused.text
    assert "unknown-vm" in str(refused.blocks)
    assert cards.refusal_card(NothingToDo("already-there", "It is there.", "No move.")).text.startswith("ℹ️")


HOSTILE = (
    "<!channel>",
    "<@U1>",
    "<https://evil.example|worker-05>",
    "&lt;!here&gt;",
    "`` `rm` ```",
    "x" * 253,
    "x" * 3000,
    "&" * 3000,
    "web\u202e10-krow",
    "a\nb\r\n*c*",
    "<!date^0^{time}|x>",
    "",
)


KEPT = {"id", "code", "cli"}
"""The id of a plan is our own; a code decides what is said; the command of a cluster is one of two."""
NODES = {"node", "evacuate"}
"""Stand in buttons too, so they are as long as names are."""


def hostile(like: Record, text: str) -> Record:
    """The same with every text in it replaced by this one."""
    changed = {"drift": (Drift(what=text, before=text, now=text),) * 12}
    return cast("Record", _hostile(like, text)).model_copy(update=changed)


def _hostile(value: object, text: str) -> object:
    match value:
        case Enum():
            return value
        case str():
            return text
        case BaseModel():
            fields = type(value).model_fields.keys() - KEPT
            texts = {name: (text or "x")[:LONGEST_NAME] if name in NODES else text for name in fields}
            return value.model_copy(update={name: _hostile(getattr(value, name), texts[name]) for name in fields})
        case tuple():
            return tuple(_hostile(each, text) for each in value)
        case dict():
            return {key: _hostile(each, text) for key, each in value.items()}
    return value


@cache
def _samples() -> tuple[Record, ...]:
    """Made once. Of the long batches the limits are tested apart: a hostile text in each of sixty rows says no more."""
    records = (make() for make in GALLERY.values())
    return tuple(record for record in records if len(record.plan.moves) <= 7)


def everything(text: str) -> list[Card]:
    pins = (PinnedVm(text, text, text, text),) * 3
    answers = [cards.refusal_card(BotError("x", text, text)), cards.unpinned_card(pins[0])]
    answers += [cards.pins_card(pins)] if text and len(text) <= LONGEST_NAME else []
    return [*answers, *(card for record in _samples() for card in all_cards(hostile(record, text)))]


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_never_becomes_markup(text: str) -> None:
    for card in everything(text):
        assert problems(card.stamped()) == []
        assert not MENTION.findall(card.text)
        assert "\u202e" not in str(card.stamped())


@given(text=st.text(max_size=700))
@settings(max_examples=25, deadline=None)
def test_no_text_breaks_a_card(text: str) -> None:
    for card in everything(text):
        assert problems(card.stamped()) == []
        assert len(card.text) <= UPDATE_TEXT


@given(st.text())
def test_escaping_can_be_undone_to_what_is_visible(text: str) -> None:
    safe = blocks.escape(text, 10_000)
    assert not {"<", ">"} & set(safe)
    assert safe.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&") == blocks.plain(text)


def ruled(like: Record) -> Record:
    """The same under a rule of the operators."""
    return like.model_copy(update={"quorum": gallery.FOUR_EYES})


@pytest.mark.parametrize(
    ("record", "told"),
    [
        (ruled(gallery.half_confirmed()), {}),
        (ruled(gallery.approved()), {"verdict_1": "✅ your plan for *web-01* is confirmed by <@U0RAVI> at"}),
        (ruled(later_gallery.scheduled()), {"verdict_1": "It starts <!date^"}),
        (ruled(gallery.succeeded()), {"verdict_1": "is confirmed by"}),
        (ruled(gallery.called_off_and_ended()), {"verdict_1": "is confirmed by"}),
        (ruled(batch_gallery.batch_stopped()), {"verdict_1": "is confirmed by"}),
        (ruled(gallery.approval_lost()), {}),
        (ruled(gallery.lapsed()), {"verdict": "⌛ your plan for *web-01* lapsed"}),
        (ruled(gallery.expired()), {"verdict": "⌛ your plan for *web-01* expired"}),
        (ruled(later_gallery.scheduled_late()), {"verdict": "⌛ your plan for *web-01* was not run."}),
        (ruled(later_gallery.scheduled_canceled()), {"verdict": "was canceled by <@U0MEI>"}),
        (ruled(gallery.canceled()).model_copy(update={"ended_by": DANA}), {}),
        (gallery.denied(), {"verdict": "🛑 your plan for *web-01* was denied by <@U0MEI>"}),
        (gallery.approved(), {}),
        (gallery.succeeded(), {}),
        (gallery.expired(), {}),
        (gallery.lapsed(), {"verdict": "⌛ your plan for *web-01* lapsed"}),
        (gallery.canceled(), {"verdict": "was canceled by <@U0RAVI>"}),
        (gallery.called_off_and_ended(), {}),
        (batch_gallery.batch_stopped(), {}),
    ],
)
def test_whoever_asked_is_told_what_others_decide_in_a_message_for_each(record: Record, told: dict[str, str]) -> None:
    found = {slot: card.text for slot, card in cards.wanted(record).items() if slot.startswith(Slot.VERDICT)}
    assert found.keys() == told.keys()
    for slot, text in found.items():
        assert text.startswith("<@U0DANA> ")
        assert told[slot] in text


def test_a_word_that_a_plan_is_confirmed_is_taken_back_when_it_is_no_longer() -> None:
    confirmed = ruled(gallery.approved())
    assert "verdict_1" not in cards.settled(confirmed)
    plan = confirmed.plan
    drifted = approval.drifted(confirmed, plan, (), NOW, timedelta(minutes=30))
    for lost in (gallery.approval_lost(), drifted, approval.cancel(confirmed, RAVI), approval.lapse(confirmed)):
        assert "was confirmed. That counts no longer" in cards.settled(lost)["verdict_1"].text
    again = approval.confirm(drifted, RAVI, policy.decide(RAVI, Action.CONFIRM), NOW)
    again = approval.confirm(again, MEI, policy.decide(MEI, Action.CONFIRM), NOW)
    assert "verdict_2" in cards.wanted(again)
    assert [slot for slot in cards.settled(again) if slot.startswith(Slot.VERDICT)] == ["verdict_1"]


def test_pages_of_a_table_that_a_newer_revision_no_longer_needs_say_so() -> None:
    long = batch_gallery.batch_of_long_names()
    pages = [slot for slot in cards.wanted(long) if slot.startswith(Slot.TABLE)]
    assert len(pages) > 2
    assert not set(pages) & cards.settled(long).keys()
    for shorter in (batch_gallery.batch_fifteen(), batch_gallery.batch_proposed()):
        left = [slot for slot in pages if slot not in cards.wanted(shorter)]
        assert left
        assert all("has no more pages" in cards.settled(shorter)[slot].text for slot in left)
    decided = long.model_copy(update={"state": PlanState.APPROVED})
    assert not set(pages) & cards.settled(decided).keys()


@pytest.mark.parametrize(
    ("make", "may"),
    [
        (incident_gallery.incident_declared, True),
        (incident_gallery.incident_confirmed, True),
        (incident_gallery.incident_denied, False),
        (incident_gallery.incident_told, False),
    ],
)
def test_whoever_is_passed_over_is_told_to_deny_as_long_as_that_works(make: Callable[[], Record], *, may: bool) -> None:
    assert ("Deny it on the card" in cards.wanted(make())[Slot.INCIDENT].text) is may


def test_where_the_plan_is_is_said_in_words_that_stay_true() -> None:
    told = [cards.pointer_card(make(), "").text for make in (gallery.blocked, gallery.approved, gallery.succeeded)]
    where = "there is a plan card in the channel. Nothing moves before a Confirm there."
    assert set(told) == {f"📋 To move web-01 from worker-01 to worker-05 {where}"}


def test_a_batch_says_why_it_is_asked_for_and_what_has_changed_when_it_is_not_run() -> None:
    whole = batch_gallery.batch_drifted()
    request = whole.plan.request.model_copy(update={"reason": "fan <!here>"})
    whole = whole.model_copy(update={"plan": whole.plan.model_copy(update={"request": request})})
    assert "💬 fan &lt;!here&gt;" in str(batch_card(whole).blocks)
    lapsed = str(batch_card(whole.model_copy(update={"state": PlanState.LAPSED})).blocks)
    assert "so it was not run" in lapsed
    assert "💬 fan &lt;!here&gt;" in lapsed


def test_a_batch_that_nobody_could_confirm_has_no_confirm() -> None:
    hopeless = gallery.FOUR_EYES.model_copy(update={"able": 0})
    shown = batch_card(batch_gallery.batch_seven().model_copy(update={"quorum": hopeless}))
    assert "*Nobody could confirm it.*" in str(shown.blocks)
    assert ActionId.CONFIRM not in buttons(shown)


@pytest.mark.parametrize(("count", "cut"), [(3, False), (7, False), (8, True)])
def test_what_a_short_batchs_card_only_counts_is_told_in_its_thread(count: int, *, cut: bool) -> None:
    out = tuple(LeftOut(namespace="dev", vm=f"gone-{n}", why="it is gone") for n in range(count))
    whole = batch_gallery.batch_proposed()
    found = cards.wanted(whole.model_copy(update={"plan": whole.plan.model_copy(update={"left_out": out})}))
    assert (f"{Slot.TABLE}_0" in found) is cut
    assert all(f"gone-{n}" in "".join(str(card.blocks) for card in found.values()) for n in range(count))


def test_a_batch_tells_who_changed_what_in_it() -> None:
    whole = batch_gallery.batch_proposed()
    first, second, third = whole.plan.moves
    moves = (second.model_copy(update={"target": Target(name="worker-07", uid="u", hostname="h")}), third)
    now = whole.plan.model_copy(update={"moves": moves, "pace": Pace(side_by_side=2)})
    changed = approval.modify(whole, now, RAVI, NOW, timedelta(minutes=30))
    told = cards.wanted(changed)[f"{Slot.EDIT}_2"].text
    assert told.startswith("✏️ <@U0RAVI> changed the plan: ")
    assert f"production/{first.vm} ~to worker-05, live~ → *none*" in told
    assert f"production/{second.vm} ~to worker-05, live~ → *to worker-07, live*" in told
    assert "pace ~--side-by-side 1 --stage 0~ → *--side-by-side 2*" in told
    assert third.vm not in told


def test_of_many_changes_of_a_batch_some_are_told_and_the_others_counted() -> None:
    whole = batch_gallery.batch_sixty()
    now = whole.plan.model_copy(update={"moves": whole.plan.moves[:20]})
    told = cards.wanted(approval.modify(whole, now, RAVI, NOW, timedelta(minutes=30)))[f"{Slot.EDIT}_2"].text
    assert told.count("→ *none*") == 6
    assert "; and 34 more." in told
