"""The words of a move, for cards and terminal alike."""

from datetime import timedelta

import pytest

from bot import describe
from bot.plan import StepKind
from bot.request import MoveType
from tests.facts import facts, proposed
from tests.slack import gallery


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
        assert describe.TYPES[type_]


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
