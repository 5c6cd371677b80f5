"""Which moment somebody means, and what is due on a plan that waits for its time. Pure: moment and zone are arguments.

A time of day is read by the clock of whoever says it. In the night in which clocks go forward a time that they skip is
taken an hour later, in the night in which they go back the first of the two is meant; the card then says so.
"""

from datetime import date, datetime, time, timedelta
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
        start, note, zone = now + when.after, "", ""
    else:
        assert when.clock is not None
        by = _zone(zone)
        start, note = _moment(_day(when, now.astimezone(by)), when.clock, by)
    latest, confirm_by = start + tolerance, start
    if when.until is not None:
        latest, until_note = _moment(_end_day(start, when, _zone(zone)), when.until, _zone(zone))
        confirm_by, note = latest, note or until_note
    return _checked(Schedule(start=start, latest=latest, confirm_by=confirm_by, zone=zone, note=note), now)


def _checked(schedule: Schedule, now: datetime) -> Schedule:
    if schedule.confirm_by <= now:
        raise BotError("time-over", "That time is over already.", "Name a time to come.")
    if schedule.start > now + LONGEST_AHEAD:
        days = LONGEST_AHEAD.days
        raise BotError("too-far", f"That is more than {days} days ahead.", f"Ask again within {days} days of it.")
    return schedule


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise BotError("no-zone", "I do not know what time it is where you are.", "Say --in 30m instead.") from None


def _day(when: When, here: datetime) -> date:
    """The day on which their clock shows it next, or the one that they named."""
    assert when.clock is not None
    if when.day is not None:
        return when.day
    if when.tomorrow:
        return here.date() + timedelta(days=1)
    today = here.time().replace(microsecond=0)
    if when.until is not None and _within(today, when.clock, when.until):
        return here.date() if when.clock <= today else here.date() - timedelta(days=1)
    return here.date() if when.clock > today else here.date() + timedelta(days=1)


def _within(now: time, begin: time, end: time) -> bool:
    return begin <= now < end if begin < end else now >= begin or now < end


def _end_day(start: datetime, when: When, by: ZoneInfo) -> date:
    assert when.clock is not None
    assert when.until is not None
    day = start.astimezone(by).date()
    return day if when.until > when.clock else day + timedelta(days=1)


def _moment(day: date, clock: time, by: ZoneInfo) -> tuple[datetime, str]:
    """The moment at which their clock shows that, with a word about a night in which it never or twice does."""
    wall = datetime.combine(day, clock, by)
    utc = wall.astimezone(ZoneInfo("UTC"))
    shown = utc.astimezone(by)
    if shown.time() != clock:
        return utc, f"Clocks go forward that night: {clock:%H:%M} does not exist, so it is {shown:%H:%M}."
    if wall.utcoffset() != wall.replace(fold=1).utcoffset():
        return utc, f"Clocks go back that night: {clock:%H:%M} comes twice, the first is meant."
    return utc, ""
