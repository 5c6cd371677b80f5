"""What the bench says about its rounds."""

from tests.bench.rounds import Broken, Comparison, Figure, Round, Row, percentile, table

COMPARISON = Comparison("ack", (Round(0.03, 0.01), Round(0.02, 0.02), Round(0.02, 0.01)), goal=1.5)


def test_ratios_are_taken_within_a_round_and_their_spread_is_shown() -> None:
    report = COMPARISON.report
    assert report["ratio"] == {"median": 2.0, "min": 1.0, "max": 3.0}
    assert report["bot_ms"] == {"median": 20.0, "min": 20.0, "max": 30.0}


def test_the_table_has_a_row_for_each_thing_and_counts_the_goals_that_are_met() -> None:
    rows: list[Row] = [COMPARISON, Figure("memory", "MB", (90, 80, 85), goal=200), Broken("crowd")]
    head, ack, memory, broken, count = table(rows).splitlines()
    assert head.split() == ["bot", "against", "figure", "goal", "verdict"]
    assert ack.split()[-2:] == ["1.5", "missed"]
    assert "85.0 [80.0 .. 90.0] MB" in memory
    assert memory.endswith("met")
    assert broken.split() == ["crowd", "broke", "missed"]
    assert count == "1 of 3 goals met"


def test_a_percentile_is_one_of_the_values() -> None:
    assert percentile(range(1, 101), 0.95) == 95
    assert percentile([3.0], 0.99) == 3.0
