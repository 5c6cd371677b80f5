"""The words of a move, for cards and terminal alike."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from bot import describe
from bot.describe import StageState
from bot.plan import StepKind
from bot.record import Record
from bot.request import MoveType
from bot.sandbox.gallery import cold as cold_gallery
from bot.sandbox.gallery import live as gallery
from tests.facts import facts, proposed


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (-3, "0 s"),
        (0, "0 s"),
        (45, "45 s"),
        (59.6, "1 min"),
        (60, "1 min"),
        (80, "1 min 20 s"),
        (3600, "1 h"),
        (3900, "1 h 5 min"),
        (90_000, "25 h"),
    ],
)
def test_durations_are_said_in_two_units_at_most(seconds: float, words: str) -> None:
    assert describe.duration(timedelta(seconds=seconds)) == words


@pytest.mark.parametrize(
    ("size", "words"), [(8 * 1024**3, "8 GiB"), (1536 * 1024**2, "1.5 GiB"), (512 * 1024**2, "512 MiB")]
)
def test_memory_is_said_in_gib(size: int, words: str) -> None:
    assert describe.memory(size) == words


def test_the_rows_of_a_plan_are_the_ones_that_operators_know() -> None:
    plan = proposed().plan
    assert [row.label for row in describe.rows(plan, plan.moves[0])] == [
        "VM name",
        "Namespace",
        "Current node",
        "Target node",
        "Migration type",
        "Storage type",
        "Current status",
        "Size",
    ]


def test_a_value_says_how_it_is_known() -> None:
    plan = gallery.scheduler_decides().plan
    told = {row.label: (row.value, row.detail) for row in describe.rows(plan, plan.moves[0])}
    assert told["Namespace"] == ("production", "from the request")
    assert told["Target node"] == ("Scheduler decides", "none was named")
    assert told["Current node"] == ("worker-01", "read from the VMI")


def test_a_disk_for_one_node_only_is_named_with_its_mode() -> None:
    plan = gallery.disk_not_shared().plan
    storage = next(row for row in describe.rows(plan, plan.moves[0]) if row.label == "Storage type")
    assert storage.value == "RWO (ReadWriteOnce)"
    assert "web-01-rootdisk" in storage.detail


def test_what_will_happen_has_one_line_for_each_step_in_the_order_of_the_executor() -> None:
    move = proposed().plan.moves[0]
    lines = describe.steps(move)
    assert len(lines) == len(move.steps)
    assert "VirtualMachineInstanceMigration" in lines[move.steps.index(StepKind.MIGRATE)]
    assert describe.steps(move.model_copy(update={"steps": move.steps[::-1]})) == lines[::-1]


def test_every_step_kind_and_type_has_its_words() -> None:
    move = proposed().plan.moves[0].model_copy(update={"steps": tuple(StepKind)})
    assert all(describe.steps(move))
    for type_ in MoveType:
        assert describe.impact(move.model_copy(update={"type": type_}))
        assert describe.type_(move.model_copy(update={"type": type_}))


def test_a_phase_that_this_version_does_not_know_is_under_way() -> None:
    assert describe.phase("Synchronizing") == "under way"


def test_phases_last_until_the_next_one() -> None:
    times = describe.phase_times(gallery.succeeded().runs[0])
    assert [(reached.name, reached.took) for reached in times] == [
        ("Pending", timedelta(seconds=1)),
        ("Scheduling", timedelta(seconds=6)),
        ("PreparingTarget", timedelta(seconds=2)),
        ("Running", timedelta(seconds=36)),
        ("Succeeded", None),
    ]


def test_the_terminal_shows_a_whole_plan() -> None:
    text = describe.plan_text(proposed().plan)
    for part in ("web-01", "worker-05", "RWX", "What will happen", "Impact", "Estimated duration", "Rollback"):
        assert part in text


def test_the_terminal_shows_why_a_plan_is_blocked_and_no_steps() -> None:
    text = describe.plan_text(gallery.blocked().plan)
    assert "Blocked: worker-05 is cordoned" in text
    assert "uncordon" in text
    assert "What will happen" not in text


def test_a_vm_that_does_not_run_has_no_source() -> None:
    plan = proposed(facts(vmi=None)).plan
    assert describe.route(plan.moves[0]) == "to worker-05"


def test_the_steps_of_a_cold_move_end_with_the_choice_about_the_pin() -> None:
    move = cold_gallery.cold_proposed().plan.moves[0]
    lines = describe.steps(move)
    assert len(lines) == len(move.steps) + 1
    order = ("stop it", "gone", "required node affinity and start it, in one change", "come up", "report it")
    assert all(words in line for words, line in zip(order, lines[1:], strict=False))
    assert "Afterwards you choose" in lines[-1]


def test_a_stopped_vm_has_no_downtime_to_expect_and_is_not_started() -> None:
    move = cold_gallery.cold_of_stopped().plan.moves[0]
    assert describe.estimate(move) == ("Estimated downtime", "none, it does not run", "")
    assert "It is not started" in describe.steps(move)[1]
    assert [effect.good for effect in describe.impact(move)] == [True, False]


def test_the_terminal_shows_what_a_cold_move_costs_and_what_the_pin_means() -> None:
    text = describe.plan_text(cold_gallery.cold_proposed().plan)
    for part in (
        "Cold: the VM stops",
        "Estimated downtime",
        "about 30-60 s, while the VM restarts",
        "connections drop",
        "The pin:",
    ):
        assert part in text


def test_the_stages_follow_the_way_that_the_move_is_on() -> None:
    def states(record: Record) -> str:
        signs = {StageState.DONE: "+", StageState.NOW: ">", StageState.NEXT: ".", StageState.FAILED: "!"}
        stages = describe.stages(record.plan.moves[0], record.runs[0])
        return "".join(signs[stage.state] for stage in stages)

    assert states(cold_gallery.cold_stopping()) == "++>..."
    assert states(cold_gallery.cold_starting()) == "++++>."
    assert states(cold_gallery.cold_turned_home()) == "+>..."
    assert states(cold_gallery.cold_succeeded()) == "++++++"
    assert states(cold_gallery.cold_came_home()) == "+++++"
    assert states(cold_gallery.cold_not_even_home()) == "+++!+"
    assert states(cold_gallery.cold_refused_at_home()) == "++!"
    assert states(cold_gallery.not_placed()) == "+!"


def test_no_stage_carries_a_time_of_another_way() -> None:
    record = cold_gallery.cold_starting_at_home()
    stages = describe.stages(record.plan.moves[0], record.runs[0])
    assert [stage.began for stage in stages] == [
        gallery.at(441),
        None,
        gallery.at(444),
        gallery.at(444),
        None,
    ]
    assert not [stage for stage in stages if stage.took]


def test_a_forced_stop_is_told_instead_of_the_grace_period() -> None:
    record = cold_gallery.cold_forced()
    stage = describe.stages(record.plan.moves[0], record.runs[0])[2]
    assert (stage.text, stage.until) == ("being forced to stop", None)


def test_an_estimate_says_whose_moves_it_was_measured_on() -> None:
    move = cold_gallery.cold_measured().plan.moves[0]
    assert move.estimate is not None
    own = move.model_copy(update={"estimate": move.estimate.model_copy(update={"own": True})})
    assert describe.estimate(move).value == "about 20 s, at worst 45 s; measured on 7 cold moves of this bot"
    assert describe.estimate(own).value == "about 20 s, at worst 45 s; measured on 7 cold moves of this VM"


@pytest.mark.parametrize(
    ("make", "value"),
    [
        (cold_gallery.cold_stopping, "none"),
        (cold_gallery.cold_starting, "not over"),
        (cold_gallery.cold_succeeded, "44 s"),
        (cold_gallery.cold_came_home, "6 min 9 s"),
    ],
)
def test_downtime_is_measured_from_the_first_stop_until_the_vm_runs_again(
    make: Callable[[], Record], value: str
) -> None:
    assert describe.downtime(make().runs[0]).value == value


@pytest.mark.parametrize(
    ("make", "value", "detail"),
    [
        (cold_gallery.cold_succeeded, "required: worker-05", "still set"),
        (cold_gallery.pin_kept, "required: worker-05", "kept"),
        (cold_gallery.pin_removed, "removed", "effective now"),
        (cold_gallery.pin_removed_at_restart, "removed", "effective at its next restart"),
        (cold_gallery.cold_wrong_node, "required: worker-05", "still set"),
        (cold_gallery.cold_came_home, "as before", "its old placement"),
        (cold_gallery.cold_refused_at_home, "unknown", "the way back was not finished"),
    ],
)
def test_the_state_of_the_pin_says_from_when_on_it_holds(make: Callable[[], Record], value: str, detail: str) -> None:
    record = make()
    assert describe.affinity(record.plan.moves[0], record.runs[0]) == ("Node affinity", value, detail)
