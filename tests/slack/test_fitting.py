"""What one message has room for, whatever the number of VMs and the length of their names."""

import re
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.errors import WhichNamespace
from bot.migration import MoveState, PlanState
from bot.ports import AtHome, Overview
from bot.record import Moment, Record, Result, Run
from bot.request import History, MoveRequest, Pace, Status
from bot.sandbox.gallery import batch as batch_gallery
from bot.sandbox.gallery import incident as incident_gallery
from bot.sandbox.gallery import live as gallery
from handlers import blocks, cards
from handlers.cards import Card
from handlers.fitting import MESSAGE, fitted, pages, paragraphs, size, within
from handlers.ids import ActionId, Slot
from tests.facts import NOW
from tests.slack.limits import problems

CUT = "left out: it is more than one message holds"


def fits(card: Card) -> bool:
    """Without the last resort."""
    return problems(card.stamped()) == [] and CUT not in str(card.blocks)


def button() -> blocks.Block:
    question = blocks.dialog("q" * 100, "q" * 300, "q" * 30, "q" * 30)
    return blocks.button("b" * 75, ActionId.CANCEL, "v" * 200, confirm=question)


BLOCKS = st.one_of(
    st.integers(1, 4000).map(lambda n: blocks.section("s" * n)),
    st.integers(1, 4000).map(lambda n: blocks.section("&<>\n" * n, button())),
    st.integers(1, 4000).map(lambda n: blocks.context("<@U0DANA00001> " * n)),
    st.integers(1, 30).map(lambda n: blocks.raw(["r" * 600] * n)),
    st.integers(1, 10).map(lambda n: blocks.fields(["f" * 2100] * n)),
    st.just(blocks.header("h" * 200)),
    st.just(blocks.actions(button())),
)


@given(st.lists(BLOCKS, min_size=1, max_size=70))
@settings(max_examples=60, deadline=None)
def test_whatever_it_is_made_of_a_card_fits_a_message(made: list[blocks.Block]) -> None:
    assert [each for each in problems(Card("x", tuple(made)).stamped()) if "markup" not in each] == []


@given(st.lists(BLOCKS, min_size=1, max_size=40))
@settings(max_examples=30, deadline=None)
def test_what_fits_is_left_as_it_is_and_what_is_cut_keeps_its_end(made: list[blocks.Block]) -> None:
    kept = fitted([*made, blocks.actions(button()), blocks.context("people")])
    assert kept[-2:] == (blocks.actions(button()), blocks.context("people"))
    if size(made) < MESSAGE.size - 2_000 and len(made) < MESSAGE.blocks - 2:
        assert list(kept[:-2]) == made


def test_long_texts_are_cut_before_anything_is_left_out() -> None:
    kept = fitted([blocks.section("a" * 3000), blocks.raw(["b" * 500] * 20), blocks.section("c" * 900)])
    assert len(kept) == 3
    assert kept[2] == blocks.section("c" * 900)


@given(st.lists(st.text(max_size=400)))
def test_no_line_is_lost_between_pages_and_paragraphs(lines: list[str]) -> None:
    assert [line for page in pages(lines, 900) for line in page] == lines
    told = "\n".join(block["text"]["text"] for block in paragraphs(lines))
    assert told == "\n".join(lines)
    assert within(900, lines) == lines[: len(within(900, lines))]


def a_batch(vms: int, beside: int, name: str) -> Record:
    """That many VMs with that name behind their number; a third has moved, `beside` are under way, the others wait."""
    whole = batch_gallery.batch_sixty_running()
    first, moved, running = whole.plan.moves[0], whole.runs[0], whole.runs[20]
    plan = whole.plan.model_copy(
        update={
            "moves": tuple(first.model_copy(update={"vm": f"{n:03}{name}"[:253]}) for n in range(vms)),
            "pace": Pace(side_by_side=beside),
        }
    )
    runs = [moved] * (vms // 3) + [running] * beside
    runs += [Run()] * (vms - len(runs))
    return whole.model_copy(update={"plan": plan, "runs": tuple(runs[:vms])})


@pytest.mark.parametrize("vms", [1, 13, 60, 150])
@pytest.mark.parametrize("beside", [1, 6, 20])
@pytest.mark.parametrize("name", ["-web", "x" * 250, '"&"' * 80])
def test_a_batch_fits_its_messages_however_many_move_at_once(vms: int, beside: int, name: str) -> None:
    record = a_batch(vms, beside, name)
    for slot, card in cards.wanted(record).items():
        assert fits(card), slot
    if record.runs[-1].state is MoveState.WAITING:
        shown = str(cards.wanted(record)[Slot.PROGRESS].blocks)
        assert ActionId.STOP in shown
        canceled = shown.count(f"'{ActionId.CALL_OFF}'")
        assert canceled >= min(beside, 5)
        assert canceled == beside or f"{beside - canceled} more are under way" in shown


@pytest.mark.parametrize("vms", [60, 150])
def test_a_batch_of_which_all_have_failed_counts_those_that_it_does_not_show(vms: int) -> None:
    record = a_batch(vms, 1, "x" * 250)
    cause = batch_gallery.CAUSE.model_copy(update={"what": "w" * 300})
    result = Result(node="worker-02", running=True, ready=True, cause=cause)
    runs = tuple(run.model_copy(update={"state": MoveState.FAILED, "result": result}) for run in record.runs)
    record = record.model_copy(update={"runs": runs, "state": PlanState.FAILED})
    card = cards.wanted(record)[Slot.PROGRESS]
    assert fits(card)
    assert re.search(r"… and \d+ more", str(card.blocks))
    told = "".join(str(card.blocks) for slot, card in cards.wanted(record).items() if slot.startswith(Slot.REPORT))
    assert all(f"{n:03}x" in told for n in range(vms))


def many_plans(count: int, name: str) -> tuple[Record, ...]:
    whole = batch_gallery.batch_proposed()
    moves = tuple(move.model_copy(update={"vm": name, "namespace": name}) for move in whole.plan.moves)
    return (whole.model_copy(update={"plan": whole.plan.model_copy(update={"moves": moves})}),) * count


@pytest.mark.parametrize("name", ["web-01", "x" * 253])
def test_lists_of_plans_count_what_they_do_not_show(name: str) -> None:
    plans = many_plans(20, name)
    links = {plans[0].id: "https://x.slack.com/archives/C1/p1"}
    found = Overview(plans, more=True, elsewhere=2)
    listed = [cards.status_card(Status(), found, links), cards.history_card(History(), found, links)]
    assert all(map(fits, listed))
    for card in listed:
        shown = str(card.blocks).count("|card>")
        assert shown == 20 or f"{20 - shown} more are left out" in str(card.blocks)


def test_the_home_tab_has_room_for_more_than_a_message() -> None:
    plans = many_plans(10, "x" * 60)
    home = cards.home_card(AtHome(plans, plans, plans, plans[:5], 3, NOW), {})
    assert size(home.blocks) > MESSAGE.size
    assert str(home.blocks).count("asked for by <@U0DANA>") == 35
    assert problems(home.stamped(), most=100) == ["message too large"]


def test_a_long_timeline_is_told_to_its_end() -> None:
    record = incident_gallery.incident_told()
    moments = tuple(
        Moment(at=NOW + timedelta(seconds=n), actor="U0DANA", text=f"step {n} " + "x" * 200) for n in range(400)
    )
    assert record.incident
    record = record.model_copy(update={"incident": record.incident.model_copy(update={"timeline": moments})})
    told = [card for slot, card in cards.wanted(record).items() if slot.startswith(Slot.TIMELINE)]
    assert len(told) > 1
    assert all(map(fits, told))
    assert all(f"step {n} " in "".join(str(card.blocks) for card in told) for n in range(400))


@pytest.mark.parametrize("count", [2, 100, 300])
@pytest.mark.parametrize("length", [5, 60, 200])
def test_a_choice_of_namespaces_fits_and_counts_the_others(count: int, length: int) -> None:
    request = MoveRequest(vm="web-01", target="worker-05")
    which = WhichNamespace("web-01", [f"{n:03}" + "n" * length for n in range(count)])
    card = cards.namespaces_card(request, which)
    assert fits(card)
    shown = str(card.blocks).count("worker-05'") or str(card.blocks).count(ActionId.READING)
    assert shown == count or "more are left out: write the namespace" in str(card.blocks)


@pytest.mark.parametrize("name", ["worker", "w" * 60])
def test_a_menu_of_many_nodes_holds_the_best(name: str) -> None:
    whole = gallery.pick_a_node()
    move = whole.plan.moves[0]
    best = move.instead.nodes[0]
    nodes = tuple(best.model_copy(update={"node": f"{name}-{n:03}"}) for n in range(150))
    move = move.model_copy(update={"instead": move.instead.model_copy(update={"nodes": nodes})})
    card = cards.plan_card(whole.model_copy(update={"plan": whole.plan.model_copy(update={"moves": (move,)})}))
    assert fits(card)
    assert f"{name}-000: " in str(card.blocks)
