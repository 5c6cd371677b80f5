"""Which moment somebody means, by whose clock, and what is due on a plan that waits for it."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot import schedule
from bot.errors import BotError
from bot.schedule import Due, Schedule, resolve
from bot.when import When

LATE = timedelta(minutes=15)
EVENING = datetime(2026, 3, 1, 20, 0, tzinfo=UTC)


def start(when: When, now: datetime = EVENING, zone: str = "Etc/UTC") -> str:
    return resolve(when, now, zone, LATE).start.strftime("%d %H:%M")


@pytest.mark.parametrize(
    ("when", "zone", "moment"),
    [
        (When(clock=time(22, 0)), "Etc/UTC", "01 22:00"),
        (When(clock=time(2, 0)), "Etc/UTC", "02 02:00"),
        (When(clock=time(20, 0)), "Etc/UTC", "02 20:00"),
        (When(clock=time(22, 0)), "Europe/Amsterdam", "01 21:00"),
        (When(clock=time(22, 0)), "America/New_York", "02 03:00"),
        (When(clock=time(22, 0)), "Asia/Tokyo", "02 13:00"),
        (When(clock=time(2, 0), tomorrow=True), "Etc/UTC", "02 02:00"),
        (When(clock=time(23, 0), tomorrow=True), "Asia/Tokyo", "03 14:00"),
        (When(clock=time(2, 0), day=date(2026, 3, 5)), "Etc/UTC", "05 02:00"),
        (When(after=timedelta(minutes=30)), "nowhere", "01 20:30"),
    ],
)
def test_a_time_is_read_by_the_clock_of_whoever_says_it(when: When, zone: str, moment: str) -> None:
    assert start(when, zone=zone) == moment


def test_it_may_start_late_but_not_much_and_is_confirmed_before() -> None:
    found = resolve(When(clock=time(22, 0)), EVENING, "Etc/UTC", LATE)
    assert (found.latest - found.start, found.confirm_by) == (LATE, found.start)


@pytest.mark.parametrize(
    ("now", "begin", "end"),
    [
        (EVENING, "01 22:00", "02 02:00"),
        (EVENING + timedelta(hours=3), "01 22:00", "02 02:00"),
        (EVENING + timedelta(hours=5), "01 22:00", "02 02:00"),
        (EVENING + timedelta(hours=6), "02 22:00", "03 02:00"),
    ],
)
def test_a_window_is_open_until_its_end_also_for_the_confirm(now: datetime, begin: str, end: str) -> None:
    found = resolve(When(clock=time(22, 0), until=time(2, 0)), now, "Etc/UTC", LATE)
    assert [moment.strftime("%d %H:%M") for moment in (found.start, found.latest, found.confirm_by)] == [
        begin,
        end,
        end,
    ]


@pytest.mark.parametrize(
    ("when", "code"),
    [
        (When(clock=time(2, 0), day=date(2026, 3, 1)), "time-over"),
        (When(clock=time(2, 0), day=date(2027, 3, 1)), "too-far"),
        (When(after=timedelta(days=20)), "too-far"),
    ],
)
def test_a_time_that_is_over_or_far_away_is_refused(when: When, code: str) -> None:
    with pytest.raises(BotError) as refused:
        start(when)
    assert refused.value.code == code


@pytest.mark.parametrize("zone", ["", "Nowhere/Atlantis", "../../etc/passwd"])
def test_whose_clock_it_is_must_be_known(zone: str) -> None:
    with pytest.raises(BotError) as refused:
        start(When(clock=time(2, 0)), zone=zone)
    assert refused.value.code == "no-zone"


def test_a_time_that_the_clocks_skip_is_taken_an_hour_later_and_said() -> None:
    """Amsterdam, 29 March 2026: 02:00 is followed by 03:00."""
    found = resolve(When(clock=time(2, 30)), datetime(2026, 3, 28, 20, 0, tzinfo=UTC), "Europe/Amsterdam", LATE)
    assert found.start == datetime(2026, 3, 29, 1, 30, tzinfo=UTC)
    assert "02:30 does not exist, so it is 03:30" in found.note


def test_of_a_time_that_comes_twice_the_first_is_meant_and_said() -> None:
    """Amsterdam, 25 October 2026: 03:00 is followed by 02:00."""
    found = resolve(When(clock=time(2, 30)), datetime(2026, 10, 24, 20, 0, tzinfo=UTC), "Europe/Amsterdam", LATE)
    assert found.start == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    assert "02:30 comes twice, the first is meant" in found.note


SPRING, AUTUMN = (datetime(2026, 3, 28, 20, 0, tzinfo=UTC), datetime(2026, 10, 24, 20, 0, tzinfo=UTC))
"""The evenings before clocks go forward, at 01:00 UTC, and back, at 01:00 UTC."""


@pytest.mark.parametrize(
    ("clock", "until", "now", "begin", "end", "word"),
    [
        ("01:30", "04:00", SPRING, "29 00:30", "29 02:00", ""),
        ("01:30", "02:30", SPRING, "29 00:30", "29 01:30", "02:30 does not exist, so it is 03:30"),
        ("02:15", "03:30", SPRING, "29 01:15", "29 01:30", "02:15 does not exist, so it is 03:15"),
        ("23:00", "02:15", SPRING, "28 22:00", "29 01:15", "02:15 does not exist"),
        ("02:15", "03:00", SPRING + timedelta(hours=14), "30 00:15", "30 01:00", ""),
        ("02:15", "02:45", AUTUMN, "25 00:15", "25 00:45", "02:15 comes twice, the first"),
        ("02:15", "02:45", AUTUMN + timedelta(hours=4, minutes=30), "25 00:15", "25 00:45", "the first"),
        ("02:15", "02:45", AUTUMN + timedelta(hours=4, minutes=50), "25 01:15", "25 01:45", "the second"),
        ("02:15", "02:45", AUTUMN + timedelta(hours=5, minutes=30), "25 01:15", "25 01:45", "the second"),
        ("02:15", "02:45", AUTUMN + timedelta(hours=5, minutes=50), "26 01:15", "26 01:45", ""),
        ("02:30", "03:30", AUTUMN, "25 00:30", "25 02:30", "02:30 comes twice, the first"),
        ("01:30", "02:30", AUTUMN, "24 23:30", "25 00:30", "02:30 comes twice, the first"),
    ],
)
def test_a_window_in_a_night_in_which_clocks_change_is_as_their_clock_shows_it(
    clock: str, until: str, now: datetime, begin: str, end: str, word: str
) -> None:
    when = When(clock=time.fromisoformat(clock), until=time.fromisoformat(until))
    found = resolve(when, now, "Europe/Berlin", LATE)
    assert [f"{moment:%d %H:%M}" for moment in (found.start, found.latest)] == [begin, end]
    assert word in found.note
    assert bool(word) is bool(found.note)


def test_a_window_that_the_clocks_skip_is_refused() -> None:
    with pytest.raises(BotError) as refused:
        resolve(When(clock=time(2, 15), until=time(3, 0)), SPRING, "Europe/Berlin", LATE)
    assert (refused.value.code, "02:15 does not exist" in refused.value.what) == ("no-such-time", True)


def test_after_the_first_of_two_the_second_is_meant() -> None:
    found = resolve(When(clock=time(2, 30)), AUTUMN + timedelta(hours=5, minutes=10), "Europe/Berlin", LATE)
    assert (f"{found.start:%d %H:%M}", "the second is meant" in found.note) == ("25 01:30", True)


@given(
    st.integers(0, 365 * 24 * 60).map(lambda minutes: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)),
    st.times().map(lambda clock: clock.replace(second=0, microsecond=0)),
    st.sampled_from(["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata"]),
)
def test_a_time_of_day_is_the_next_that_their_clock_shows_or_skips(now: datetime, clock: time, zone: str) -> None:
    found = resolve(When(clock=clock), now, zone, LATE)
    assert now < found.start <= now + timedelta(hours=25)
    shown = found.start.astimezone(ZoneInfo(zone))
    assert shown.time() == clock or "does not exist" in found.note


def test_the_night_in_which_clocks_change_is_no_hour_longer_for_a_length_of_time() -> None:
    now = datetime(2026, 3, 29, 0, 30, tzinfo=UTC)
    found = resolve(When(after=timedelta(hours=1)), now, "Europe/Amsterdam", LATE)
    assert found.start - now == timedelta(hours=1)


@pytest.mark.parametrize(
    ("minutes", "checked", "found"),
    [
        (-11, False, None),
        (-10, False, Due.CHECK),
        (-5, True, None),
        (0, True, Due.START),
        (0, False, Due.START),
        (15, True, Due.START),
        (15.1, True, Due.LAPSE),
        (600, False, Due.LAPSE),
    ],
)
def test_what_is_due_follows_from_the_moment_alone(minutes: float, *, checked: bool, found: Due | None) -> None:
    waiting = Schedule(
        start=EVENING, latest=EVENING + LATE, confirm_by=EVENING, checked_at=EVENING if checked else None
    )
    assert schedule.due(waiting, EVENING + timedelta(minutes=minutes)) is found
