"""Which moment somebody means, and what is due on a plan that waits for its time. Pure: moment and zone are arguments.

A time of day is read by the clock of whoever says it, and without a day the next such time is meant. In the night in
which clocks go forward a time that they skip is taken as much later as they skip, and a window that they skip from its
beginning to its end is refused; in the night in which they go back the first of the two is meant that is not over. The
card then says so.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, ConfigDict

from bot.errors import BotError
from bot.when import When

LONGEST_AHEAD = timedelta(days=14)
"""What was judged and approved longer ago is nobody's any more."""
CHECK_BEFORE = timedelta(minutes=10)
"""Before the start everything is proved again, and people are told that it is near."""


class Schedule(BaseModel):
    """When a plan is to start."""

    model_config = ConfigDict(frozen=True)

    start: datetime
    latest: datetime
    """Later it does not start any more."""
    confirm_by: datetime
    """Until then it waits for its Confirm."""
    zone: str = ""
    """By whose clock it was said: a name of the tz database; empty where it was no time of day."""
    note: str = ""
    """What is special about that night."""
    checked_at: datetime | None = None
    """When all was proved again before the start."""


class Due(StrEnum):
    """What is to be done about a plan that waits for its time."""

    CHECK = "check"
    START = "start"
    LAPSE = "lapse"


def due(schedule: Schedule, now: datetime) -> Due | None:
    """The next thing; None: nothing yet."""
    if now > schedule.latest:
        return Due.LAPSE
    if now >= schedule.start:
        return Due.START
    return Due.CHECK if schedule.checked_at is None and now >= schedule.start - CHECK_BEFORE else None


def resolve(when: When, now: datetime, zone: str, tolerance: timedelta) -> Schedule:
    """The moment. Raises BotError where it is over, too far away, or nobody knows by whose clock."""
    if when.after is not None:
        start = now + when.after
        found = Schedule(start=start, latest=start + tolerance, confirm_by=start)
    else:
        spells = (each for each in _spells(when, now, _zone(zone), tolerance) if each.confirm_by > now)
        if (spell := next(spells, None)) is None:
            raise BotError("time-over", "That time is over already.", "Name a time to come.")
        found = spell.model_copy(update={"zone": zone})
    if found.start > now + LONGEST_AHEAD:
        days = LONGEST_AHEAD.days
        raise BotError("too-far", f"That is more than {days} days ahead.", f"Ask again within {days} days of it.")
    if found.latest <= found.start:
        raise BotError("no-such-time", f"{found.note} That leaves nothing of {when}.", "Name another time.")
    return found


def _spells(when: When, now: datetime, by: ZoneInfo, tolerance: timedelta) -> Iterator[Schedule]:
    """When it could be, earliest first, from the window on that may have begun yesterday."""
    assert when.clock is not None
    for day in _days(when, now.astimezone(by).date()):
        for start, note in _moments(day, when.clock, by):
            if when.until is None:
                yield Schedule(start=start, latest=start + tolerance, confirm_by=start, note=note)
            else:
                end, end_note = _end(start, day, when, by)
                yield Schedule(start=start, latest=end, confirm_by=end, note=note or end_note)


def _days(when: When, today: date) -> tuple[date, ...]:
    if when.day is not None:
        return (when.day,)
    ahead = (1,) if when.tomorrow else (-1, 0, 1)
    return tuple(today + timedelta(days=days) for days in ahead)


def _end(start: datetime, day: date, when: When, by: ZoneInfo) -> tuple[datetime, str]:
    """The end of a window; its beginning where clocks skip all of it."""
    assert when.clock is not None
    assert when.until is not None
    last = day if when.until > when.clock else day + timedelta(days=1)
    return next((found for found in _moments(last, when.until, by) if found[0] > start), (start, ""))


def _moments(day: date, clock: time, by: ZoneInfo) -> tuple[tuple[datetime, str], ...]:
    """When their clock shows that on a day, with a word about a night in which it never or twice does."""
    first, second = (datetime.combine(day, clock, by).replace(fold=fold).astimezone(UTC) for fold in (0, 1))
    shown = first.astimezone(by).time()
    if shown != clock:
        return ((first, f"Clocks go forward that night: {clock:%H:%M} does not exist, so it is {shown:%H:%M}."),)
    if first == second:
        return ((first, ""),)
    twice = f"Clocks go back that night: {clock:%H:%M} comes twice, the"
    return (first, f"{twice} first is meant."), (second, f"{twice} second is meant.")


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise BotError("no-zone", "I do not know what time it is where you are.", "Say --in 30m instead.") from None
