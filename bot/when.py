"""When a move is to start, as people say it; and what an incident may be called.

Which moment is meant `bot.schedule` knows. `str()` of it is its canonical text, which reads back as the same, as the
words of a request do (`bot.request`).
"""

import re
from datetime import date, time, timedelta
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, model_validator

LONGEST_INCIDENT = 40
INCIDENT = re.compile(rf"[A-Za-z0-9][A-Za-z0-9._-]{{0,{LONGEST_INCIDENT - 1}}}")
IncidentId = Annotated[str, Field(pattern=rf"^{INCIDENT.pattern}$")]
"""What an incident is called elsewhere, for example INC-42: nothing that could carry markup."""


class When(BaseModel):
    """A time of day, or how long from now."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    after: timedelta | None = Field(default=None, gt=timedelta(0))
    clock: time | None = None
    """By the clock of whoever says it."""
    day: date | None = None
    tomorrow: bool = False
    """Neither this nor a day: the next time that the clock shows it."""
    until: time | None = None
    """It may start at any time from `clock` to this."""

    @model_validator(mode="after")
    def _one_thing(self) -> "When":
        if (self.after is None) == (self.clock is None):
            raise ValueError("either a time of day or a time from now")
        if self.after is not None and (self.day or self.tomorrow or self.until):
            raise ValueError("a time from now has no day")
        if self.day and (self.tomorrow or self.until):
            raise ValueError("one day only")
        if self.until is not None and self.until == self.clock:
            raise ValueError("an empty window")
        return self

    def __str__(self) -> str:
        if self.after is not None:
            return f"--in {self.after // timedelta(minutes=1)}m"
        assert self.clock is not None
        clock = f"{self.clock:%H:%M}"
        said = f"--window {clock}-{self.until:%H:%M}" if self.until else f"--at {self._day()}{clock}"
        return f"{said} tomorrow" if self.tomorrow else said

    def _day(self) -> str:
        return f"{self.day.isoformat()}T" if self.day else ""
