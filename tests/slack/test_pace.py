"""The notifier's pace, alone."""

from datetime import timedelta

from handlers.notifier.pace import Bucket
from tests.facts import NOW

SECOND = timedelta(seconds=1)


def test_those_who_wait_get_a_moment_each_and_the_line_ends_when_nobody_waits() -> None:
    bucket = Bucket(burst=1, interval=SECOND)
    bucket.take(NOW)
    assert [bucket.line_up(NOW) for _ in range(3)] == [NOW + SECOND, NOW + 2 * SECOND, NOW + 3 * SECOND]
    later = NOW + 60 * SECOND
    bucket.take(later)
    assert bucket.line_up(later) == later + SECOND
