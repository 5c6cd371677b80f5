"""Which moment somebody means, by whose clock, and what is due on a plan that waits for it."""

from datetime import UTC, date, datetime, time, timedelta

import pytest

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
