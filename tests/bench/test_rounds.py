"""What the bench says about its rounds."""

from tests.bench.rounds import Comparison, Round, table

COMPARISON = Comparison("ack", (Round(0.03, 0.01), Round(0.02, 0.02), Round(0.02, 0.01)))


def test_ratios_are_taken_within_a_round_and_their_spread_is_shown() -> None:
    report = COMPARISON.report
    assert report["ratio"] == {"median": 2.0, "min": 1.0, "max": 3.0}
    assert report["bot_ms"] == {"median": 20.0, "min": 20.0, "max": 30.0}


def test_the_table_has_a_row_for_each_comparison() -> None:
    head, row = table([COMPARISON]).splitlines()
    assert head.split() == ["bot,", "ms", "bare,", "ms", "ratio"]
    assert row.split("  ") == ["ack", "20.0 [20.0 .. 30.0]", "10.0 [10.0 .. 20.0]", "2.00 [1.00 .. 3.00]"]
