"""The Modify form of a batch: what it shows, what may be changed in it, and what is refused at which field."""

from collections.abc import Callable, Mapping

import pytest

from bot.errors import BotError, WhichNamespace
from bot.record import Record
from bot.request import BatchRequest, MoveRequest, MoveType, Pace
from bot.sandbox.gallery.batch import batch_fifteen, batch_of_long_names, batch_proposed, batch_sixty
from handlers import batchform
from handlers.refusal import FieldErrors
from handlers.values import ModalState

FORM = ModalState(plan="p1", revision=1, channel="C0OPS")


def entering(**fields: str) -> Callable[[str], str]:
    known: Mapping[str, str] = {f"field_{name}": text for name, text in fields.items()}
    return lambda block_id: known.get(block_id, "")


def lines(record: object) -> str:
    view = batchform.form(record, FORM)  # type: ignore[arg-type]
    return "\n".join(
        block["element"]["initial_value"] for block in view["blocks"] if block["block_id"].startswith("field_lines")
    )


def test_it_shows_a_line_for_each_vm_that_reads_back_as_the_plan() -> None:
    record = batch_proposed()
    shown = lines(record)
    assert shown.splitlines()[0] == "production/web-01 to worker-05 --live"
    entered = batchform.read(entering(lines_0=shown, beside="1", stages="0", pauses="click"))
    assert [move.vm for move in entered.moves] == [move.vm for move in record.plan.moves]
    assert not batchform.changed(record.plan, entered).as_listed


@pytest.mark.parametrize("make", [batch_fifteen, batch_sixty, batch_of_long_names])
def test_each_field_stays_within_slacks_limits_with_room_for_changes(make: Callable[[], object]) -> None:
    view = batchform.form(make(), FORM)  # type: ignore[arg-type]
    texts = [block["element"].get("initial_value", "") for block in view["blocks"]]
    assert max(map(len, texts)) < 3000
    assert len(view["blocks"]) <= 100


def test_a_line_that_is_gone_leaves_its_vm_out_of_what_was_found() -> None:
    record = batch_fifteen()
    kept = [line for line in lines(record).splitlines() if "web-02" not in line]
    entered = batchform.read(entering(lines_0="\n".join(kept), beside="3", stages="5", pauses="15"))
    changed = batchform.changed(record.plan, entered)
    assert changed.without == ("production/web-02",)
    assert (changed.evacuate, changed.pace) == ("worker-02", Pace(side_by_side=3, stage=5, pause_minutes=15))


def in_two_namespaces() -> Record:
    """Fifteen found VMs, the first two of one name."""
    whole = batch_fifteen()
    first, second, *rest = whole.plan.moves
    moves = (first.model_copy(update={"vm": "web", "namespace": "a"}), second.model_copy(update={"vm": "web"}), *rest)
    return whole.model_copy(update={"plan": whole.plan.model_copy(update={"moves": moves})})


def submitted(record: Record, text: str) -> BatchRequest:
    return batchform.changed(record.plan, batchform.read(entering(lines_0=text)))


@pytest.mark.parametrize("gone", ["a/web", "production/web"])
def test_a_line_that_is_gone_is_not_taken_for_its_namesakes(gone: str) -> None:
    record = in_two_namespaces()
    kept = [line for line in lines(record).splitlines() if not line.startswith(f"{gone} ")]
    assert submitted(record, "\n".join(kept)).without == (gone,)


def test_the_order_of_namesakes_is_an_order() -> None:
    record = in_two_namespaces()
    first, second, *rest = lines(record).splitlines()
    assert not submitted(record, "\n".join([first, second, *rest])).as_listed
    assert submitted(record, "\n".join([second, first, *rest])).as_listed


def test_a_name_without_a_namespace_is_the_one_vm_of_the_plan_that_has_it() -> None:
    record = batch_fifteen()
    changed = submitted(record, lines(record).replace("production/web-02 to worker-05", "web-02 to worker-07"))
    assert changed.without == ()
    assert MoveRequest(vm="web-02", namespace="production", target="worker-07", type=MoveType.LIVE) in changed.moves


def test_a_name_that_several_vms_of_the_plan_have_is_asked_about() -> None:
    with pytest.raises(WhichNamespace, match="a/web, production/web"):
        submitted(in_two_namespaces(), "web to worker-05")


def test_a_line_that_is_written_again_brings_its_vm_back() -> None:
    record = batch_fifteen()
    request = record.plan.request.model_copy(update={"without": ("production/web-16", "production/web-17")})
    without = record.model_copy(update={"plan": record.plan.model_copy(update={"request": request})})
    assert submitted(without, f"{lines(record)}\nweb-16").without == ("production/web-17",)


def test_a_batch_that_no_form_holds_is_not_shown_in_part() -> None:
    whole = batch_of_long_names()
    plan = whole.plan.model_copy(update={"moves": whole.plan.moves * 4})
    with pytest.raises(BotError, match="too-long"):
        batchform.form(whole.model_copy(update={"plan": plan}), FORM)


def test_another_order_and_another_way_are_kept() -> None:
    record = batch_proposed()
    entered = batchform.read(entering(lines_0="production/app-vm to worker-04 --cold\nproduction/web-01 to worker-05"))
    changed = batchform.changed(record.plan, entered)
    assert changed.as_listed
    assert changed.moves[0] == MoveRequest(vm="app-vm", namespace="production", target="worker-04", type=MoveType.COLD)
    assert isinstance(changed, BatchRequest)


@pytest.mark.parametrize("text", ["", "   \n", "web-01, web-02 to worker-05", "help", "web-01 --fast"])
def test_what_is_no_vm_is_refused_at_its_field(text: str) -> None:
    with pytest.raises(FieldErrors) as wrong:
        batchform.read(entering(lines_0=text))
    assert list(wrong.value.errors) == ["field_lines_0"]


@pytest.mark.parametrize("forged", ["", "-1", "x", "999999999999", "²"])
def test_a_forged_number_is_the_usual_choice(forged: str) -> None:
    entered = batchform.read(entering(lines_0="web-01", beside=forged, stages=forged, pauses=forged))
    assert entered.pace.side_by_side == 1
    assert entered.pace.stage is None
    assert entered.pace.pause_minutes in (None, 1, 1440)
