"""What the cards of a cold move say and offer, from the plan to the decision about the pin."""

from collections.abc import Callable

import pytest

from bot.ports import PinnedVm
from bot.record import Doubt, Record
from bot.sandbox.gallery import cold
from bot.sandbox.gallery import live as gallery
from handlers import cards
from handlers.cards import Card
from handlers.ids import ActionId, Slot
from handlers.values import DoubtRef, MoveRef
from tests.slack.limits import problems
from tests.slack.test_cards import buttons, first_line

PINNED = PinnedVm("production", "web-01", "worker-05", "p1")


def shown(card: Card) -> str:
    return str(card.blocks)


FIRST, SECOND = f"{Slot.QUESTION}_0_0", f"{Slot.QUESTION}_0_1"
"""The messages in which people are asked for the first and the second time."""


def message(record: Record, slot: str) -> Card:
    return cards.wanted(record)[slot]


def button(card: Card, action_id: ActionId) -> dict[str, object]:
    rows = [block["elements"] for block in card.blocks if block["type"] == "actions"]
    return next(element for row in rows for element in row if element["action_id"] == action_id)


def test_a_plan_that_has_to_be_cold_says_why_and_what_it_costs() -> None:
    card = shown(cards.plan_card(cold.cold_proposed()))
    for part in (
        "disk web-01-rootdisk is not ReadWriteMany",
        "will be stopped and started again",
        "RWO (ReadWriteOnce)",
        "*Estimated downtime:* about 30-60 s",
        "connections drop",
        "gets its old placement back",
        "required node affinity",
    ):
        assert part in card


def test_the_dialog_of_a_cold_plan_names_the_vm_and_the_downtime() -> None:
    dialog = str(button(cards.plan_card(cold.cold_proposed()), ActionId.CONFIRM)["confirm"])
    assert all(part in dialog for part in ("Stop and move web-01?", "worker-05", "Downtime: about 30-60 s"))
    assert "keeps running" not in dialog


def test_a_bot_with_a_history_estimates_from_it_everywhere_on_the_card() -> None:
    card = cards.plan_card(cold.cold_measured())
    expected = "about 20 s, at worst 45 s"
    assert f"*Estimated downtime:* {expected}; measured on 7 cold moves of this bot" in shown(card)
    assert f"Downtime of {expected}" in shown(card)
    assert f"Downtime: {expected}." in str(button(card, ActionId.CONFIRM)["confirm"])
    assert "30-60 s" not in shown(card)


def test_a_stopped_vm_is_only_placed_and_that_is_said() -> None:
    card = cards.plan_card(cold.cold_of_stopped())
    dialog = str(button(card, ActionId.CONFIRM)["confirm"])
    assert "No downtime is added" in shown(card)
    assert "It is not started" in shown(card)
    assert "is not started" in dialog
    assert "Downtime" not in dialog


def test_a_pin_of_ours_that_is_still_there_is_told_to_be_replaced() -> None:
    assert "our pin to worker-02; this move replaces it" in shown(cards.plan_card(cold.cold_over_older_pin()))


def test_a_live_move_says_before_and_after_that_an_older_pin_goes_first() -> None:
    card = cards.plan_card(gallery.over_older_pin())
    assert "our pin to worker-01; it is removed first, for good" in shown(card)
    assert "Remove the pin that an earlier move of mine has left" in shown(card)
    assert ActionId.CONFIRM in buttons(card)
    told = shown(cards.wanted(gallery.succeeded_over_older_pin())[Slot.REPORT])
    assert "Older pin" in told
    assert "of plan p0, before the migration" in told


def test_a_live_plan_that_its_disk_forbids_offers_a_cold_one() -> None:
    card = cards.plan_card(gallery.disk_not_shared())
    assert buttons(card) == [ActionId.USE_COLD, ActionId.MODIFY, ActionId.CANCEL]


def test_a_plan_whose_type_cannot_be_told_asks_for_it() -> None:
    card = cards.plan_card(gallery.undecided())
    assert buttons(card) == [ActionId.USE_LIVE, ActionId.USE_COLD, ActionId.MODIFY, ActionId.CANCEL]
    assert "*Live or cold?*" in first_line(card)
    assert "I cannot tell whether it can move live" in shown(card)
    assert "*Migration type*: `Undecided: live or cold`" in shown(card)
    assert "*Storage type*: `unknown`" in shown(card)
    assert "live move possible" not in shown(card)


@pytest.mark.parametrize("make", [gallery.blocked, cold.cold_without_target])
def test_another_block_offers_no_cold_plan(make: Callable[[], Record]) -> None:
    assert ActionId.USE_COLD not in buttons(cards.plan_card(make()))


def test_a_slow_guest_is_told_with_the_end_of_its_grace_and_may_be_forced_after_a_warning() -> None:
    before, slow = (message(make(), Slot.PROGRESS) for make in (cold.cold_stopping, cold.cold_slow_stop))
    grace_ends = int(gallery.at(91 + 120).timestamp())
    assert "*Still shutting down*" in shown(slow)
    assert f"grace period until <!date^{grace_ends}^" in shown(slow)
    assert (buttons(before), buttons(slow)) == ([ActionId.CALL_OFF], [ActionId.FORCE, ActionId.CALL_OFF])
    assert "not written to its disks is lost" in str(button(slow, ActionId.FORCE)["confirm"])


def test_the_progress_counts_the_downtime_from_the_stop_once_the_vm_is_down() -> None:
    down = f"*Down*, counted from the stop at <!date^{int(gallery.at(91).timestamp())}^"
    assert down not in shown(message(cold.cold_stopping(), Slot.PROGRESS))
    assert down in shown(message(cold.cold_starting(), Slot.PROGRESS))


def test_while_the_vm_is_down_the_card_says_so_first() -> None:
    assert "*web-01* is stopped for its move" in first_line(message(cold.cold_down(), Slot.CARD))
    assert "*web-01* is on its way" in first_line(message(cold.cold_stopping(), Slot.CARD))


def test_the_way_home_is_told_with_its_cause_on_card_and_progress() -> None:
    record = cold.cold_turned_home()
    assert "Going back" in first_line(message(record, Slot.CARD))
    progress = message(record, Slot.PROGRESS)
    assert "did not start on the target, and nobody answered in time" in first_line(progress)
    assert "Give it its old placement back" in shown(progress)
    assert "Pin it to" not in shown(progress)


def test_an_outage_is_told_for_a_cold_move_too() -> None:
    assert "Waiting for the cluster" in shown(message(cold.cold_cluster_away(), Slot.PROGRESS))


def test_a_guest_that_does_not_stop_offers_three_ways_and_forces_none() -> None:
    card = message(cold.cold_asking_stop(), FIRST)
    assert buttons(card) == [ActionId.WAIT, ActionId.FORCE, ActionId.HOME]
    assert "Nothing is forced without a click" in shown(card)
    force = button(card, ActionId.FORCE)
    assert (force["style"], "lost" in str(force["confirm"])) == ("danger", True)
    assert "confirm" not in button(card, ActionId.WAIT)


def test_on_the_way_home_there_is_no_second_way_home() -> None:
    card = message(cold.cold_asking_stop_at_home(), SECOND)
    assert buttons(card) == [ActionId.WAIT, ActionId.FORCE]


def test_a_vm_that_does_not_start_is_asked_about_in_the_schedulers_words_with_a_deadline() -> None:
    card = message(cold.cold_asking_start(), FIRST)
    assert buttons(card) == [ActionId.WAIT, ActionId.ELSEWHERE, ActionId.HOME]
    assert cold.WHY.evidence[0] in shown(card)
    assert f"bring it home at <!date^{int(gallery.at(440).timestamp())}^" in shown(card)


def test_a_button_of_a_question_carries_what_it_is_about() -> None:
    value = str(button(message(cold.cold_asking_start(), FIRST), ActionId.HOME)["value"])
    assert DoubtRef.load(value) == DoubtRef(plan="p1", revision=1, move=0, doubt=Doubt.STARTING)


@pytest.mark.parametrize(
    ("make", "slot", "words"),
    [
        (cold.cold_waiting_on, FIRST, "Waiting on, as <@U0RAVI> chose"),
        (cold.cold_forced, FIRST, "forced to stop"),
        (cold.cold_abandoned_stop, FIRST, "brought home, as <@U0RAVI> chose"),
        (cold.cold_went_on, FIRST, "has gone on"),
        (cold.cold_turned_home, FIRST, "nobody answered in time"),
        (cold.cold_elsewhere, FIRST, "It goes to `worker-04` instead"),
    ],
)
def test_a_question_that_is_answered_keeps_no_button(make: Callable[[], Record], slot: str, words: str) -> None:
    record = make()
    assert slot not in cards.wanted(record)
    card = cards.settled(record)[slot]
    assert words in card.text
    assert buttons(card) == []


def test_an_open_question_is_not_settled() -> None:
    assert FIRST not in cards.settled(cold.cold_asking_stop())


def test_the_report_gives_the_measured_downtime_and_each_step_with_its_time() -> None:
    report = shown(message(cold.cold_succeeded(), Slot.REPORT))
    assert "*Downtime*: `44 s`" in report
    for line in ("Guest and pod are gone · 12 s", "Came up · 31 s", "Pinned to worker-05, started · at <!date^"):
        assert line in report
    for row in ("*Running on*: `worker-05`", "*Phase*: `Running`", "*Ready*: `True`"):
        assert row in report


def test_the_report_asks_about_the_pin_with_a_meaning_for_each_answer() -> None:
    report = message(cold.cold_succeeded(), Slot.REPORT)
    assert buttons(report) == [ActionId.PIN_REMOVE, ActionId.PIN_KEEP, ActionId.PIN_LATER, ActionId.MOVE_BACK]
    assert button(report, ActionId.PIN_REMOVE)["style"] == "primary"
    assert MoveRef.load(str(button(report, ActionId.PIN_KEEP)["value"])).move == 0
    for word in ("*Remove* (recommended)", "*Keep*", "*Later*"):
        assert word in shown(report)
    assert "asks what becomes of the node affinity" in first_line(message(cold.cold_succeeded(), Slot.CARD))


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (cold.pin_removed, ("removed* by <@U0DANA>", "effective now")),
        (cold.pin_removed_at_restart, ("removed* by <@U0DANA>", "effective at its next restart")),
        (cold.pin_kept, ("kept* by <@U0DANA>", "/vm-migrate pins")),
        (cold.pin_later, ("later* by <@U0DANA>", "/vm-migrate pins", "I ask again at")),
    ],
)
def test_a_decision_takes_the_buttons_and_says_who_what_and_when(
    make: Callable[[], Record], words: tuple[str, ...]
) -> None:
    report = message(make(), Slot.REPORT)
    assert buttons(report) == [ActionId.MOVE_BACK]
    assert all(word in shown(report) for word in words)
    assert f"<!date^{int(gallery.at(200).timestamp())}^" in shown(report)


REMINDERS = (f"{Slot.REMINDER}_0_0", f"{Slot.REMINDER}_0_1")


def test_a_reminder_tells_who_wanted_it_and_asks_again_while_the_report_does_not() -> None:
    record = cold.pin_reminded()
    reminder = message(record, REMINDERS[0])
    assert reminder.text == "🔔 <@U0DANA>: *web-01 is still pinned* to `worker-05`."
    assert buttons(reminder) == [ActionId.PIN_REMOVE, ActionId.PIN_KEEP, ActionId.PIN_LATER]
    report = message(record, Slot.REPORT)
    assert buttons(report) == [ActionId.MOVE_BACK]
    assert "I have asked again, further down" in shown(report)
    assert "asks what becomes" not in first_line(message(record, Slot.CARD))


def test_each_reminder_is_a_message_of_its_own_and_only_the_newest_asks() -> None:
    assert not [slot for slot in cards.wanted(cold.pin_later_again()) if slot in REMINDERS]
    assert buttons(cards.settled(cold.pin_later_again())[REMINDERS[0]]) == []
    again = cold.pin_reminded_again()
    assert "<@U0RAVI>" in message(again, REMINDERS[1]).text
    assert REMINDERS[0] not in cards.wanted(again)
    assert buttons(cards.settled(again)[REMINDERS[0]]) == []
    assert REMINDERS[1] not in cards.settled(again)


def test_a_failure_says_first_where_the_vm_is_then_why_it_went_home_with_the_evidence() -> None:
    report = message(cold.cold_came_home(), Slot.REPORT)
    assert "web-01 is on worker-01 and running" in first_line(report)
    assert cold.WHY.evidence[0] in shown(report)
    assert ActionId.AGAIN in buttons(report)
    assert "*Downtime*: `6 min 9 s`" in shown(report)


def test_a_vm_that_is_down_is_never_said_to_run() -> None:
    for make in (cold.cold_not_even_home, cold.cold_refused_at_home):
        report = message(make(), Slot.REPORT)
        assert "web-01 is on no node that I can see: take it as NOT running" in first_line(report)
        assert "*Downtime*: `not over`" in shown(report)
    assert "❌ Watch it come up · not done" in shown(message(cold.cold_not_even_home(), Slot.PROGRESS))


def test_a_vm_that_did_not_get_its_placement_back_comes_with_the_way_to_rescue_it() -> None:
    stranded, home = (shown(message(make(), Slot.REPORT)) for make in (cold.cold_refused_at_home, cold.cold_came_home))
    assert "did NOT get its old placement back" in stranded
    assert "annotation vm-migrate-bot/note" in stranded
    assert "annotation" not in home


def test_a_vm_that_landed_elsewhere_is_still_pinned_and_that_is_said() -> None:
    report = shown(message(cold.cold_wrong_node(), Slot.REPORT))
    assert "web-01 is on worker-03 and running" in report
    assert "still pinned to worker-05. Remove that: /vm-migrate pins" in report


def test_a_placed_vm_is_reported_as_stopped_and_not_as_lost() -> None:
    assert "web-01 is stopped, as before, and will start on worker-05" in first_line(
        message(cold.placed(), Slot.REPORT)
    )
    assert "web-01 is stopped, as before" in first_line(message(cold.not_placed(), Slot.REPORT))
    assert "*Downtime*: `none`" in shown(message(cold.placed(), Slot.REPORT))


def test_the_list_of_pinned_vms_gives_each_a_button_and_says_what_it_leaves_out() -> None:
    card = cards.pins_card([PINNED._replace(name=f"web-{number:02}") for number in range(23)])
    listed = [block for block in card.blocks if "accessory" in block]
    assert [block["accessory"]["action_id"] for block in listed] == [ActionId.UNPIN] * 20
    assert "and 3 more" in shown(card)
    assert problems(card.stamped()) == []


def test_a_list_of_very_long_names_still_fits() -> None:
    card = cards.pins_card([PINNED._replace(name="x" * 253, namespace="n" * 63, hostname="h" * 63)] * 20)
    listed = [block for block in card.blocks if "accessory" in block]
    assert 5 <= len(listed) < 20
    assert f"and {20 - len(listed)} more" in shown(card)
    assert problems(card.stamped()) == []


def test_an_empty_list_says_so() -> None:
    card = cards.pins_card([])
    assert card.text == "📌 No VM carries a node affinity that I have left."
    assert problems(card.stamped()) == []


def test_help_tells_of_cold_moves_and_of_the_pins() -> None:
    told = shown(cards.help_card())
    assert "/vm-migrate web-01 worker-05 --cold" in told
    assert "/vm-migrate pins" in told
