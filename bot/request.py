"""What people ask for, as typed requests; `bot.grammar` reads them from text.

Names in a request follow Kubernetes' own rule (RFC 1123 subdomain), so that they can carry no markup. `str()` of a
request is its canonical text, which reads back as the same request: it is what logs keep and what buttons carry.
"""

import re
import unicodedata
from datetime import timedelta
from enum import StrEnum
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from bot.vocabulary import quoted
from bot.when import IncidentId, When

FORM = "/vm-migrate web-01 worker-05"
"""The form that error messages show."""

LONGEST_REASON = 300
"""Characters; more is cut off."""

_QUOTES = re.compile(r'[\\"“”„«»]')


class MoveType(StrEnum):
    """How a VM is moved."""

    LIVE = "live"
    COLD = "cold"


def plain(text: str) -> str:
    """Text without control and format characters: neither may break a line or turn its direction."""
    kept = (" " if unicodedata.category(each) == "Cc" else each for each in text)
    return "".join(each for each in kept if unicodedata.category(each) not in ("Cf", "Cs"))


def reason(text: str | None) -> str | None:
    """Why, in people's own words: untrusted text, on one line. None where nothing was said."""
    return " ".join(plain(text or "").split())[:LONGEST_REASON].strip() or None


Reason = Annotated[str | None, AfterValidator(reason)]


def period(time: timedelta) -> str:
    """A period as it is typed: 7d, 24h, 30m."""
    units = (("d", timedelta(days=1)), ("h", timedelta(hours=1)), ("m", timedelta(minutes=1)))
    letter, unit = next(((letter, unit) for letter, unit in units if not time % unit), units[-1])
    return f"{time // unit}{letter}"


class _Request(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Help(_Request):
    """Somebody asks what the bot can do."""

    def __str__(self) -> str:
        return "help"


class Pins(_Request):
    """Somebody asks which VMs the bot has left pinned to a node."""

    def __str__(self) -> str:
        return "pins"


class Status(_Request):
    """Somebody asks which plans are open, of all VMs or of one."""

    vm: str | None = None
    namespace: str | None = None

    def __str__(self) -> str:
        return " ".join(["status", *_of(self.vm, self.namespace)])


class History(_Request):
    """Somebody asks what was moved, of all VMs or of one. No `last`: as far back as a short answer holds."""

    vm: str | None = None
    namespace: str | None = None
    last: timedelta | None = None

    def __str__(self) -> str:
        since = [f"--last {period(self.last)}"] if self.last else []
        return " ".join(["history", *_of(self.vm, self.namespace), *since])


class Inventory(_Request):
    """Somebody asks what VMs there are."""

    namespace: str | None = None
    node: str | None = None

    def __str__(self) -> str:
        return " ".join([*_of(None, self.namespace), *([f"--node {quoted(self.node)}"] if self.node else [])])


class MoveRequest(_Request):
    """One VM to move. None means: not said."""

    vm: str
    namespace: str | None = None
    source: str | None = None
    """The node that it is said to run on; a move from elsewhere is refused."""
    target: str | None = None
    type: MoveType | None = None
    replace_rules: bool = False
    """Cold only: where the VM's own rules do not allow the target, the pin takes their place."""
    reason: Reason = None
    when: When | None = None
    """When it is to start; None: as soon as it is confirmed."""
    incident: IncidentId | None = None
    """The incident for whose sake it waives the usual approvals; it needs a reason then."""

    def __str__(self) -> str:
        return " ".join([*self.where(), *_way(self.type, self.replace_rules), *_mode(self)])

    def where(self) -> list[str]:
        """Its words about what moves from where to where, the VM first."""
        return [*_of(self.vm, self.namespace), *_step("from", self.source), *_step("to", self.target)]


class Pace(_Request):
    """How the moves of a batch follow each other."""

    side_by_side: int = Field(default=1, ge=1, le=20)
    """Live moves at once; cold ones go alone whatever this says."""
    stage: int | None = Field(default=None, ge=0, le=100)
    """Moves in a group, after which the batch pauses; 0: no groups. None: as their number wants it."""
    pause_minutes: float | None = Field(default=None, gt=0, le=1440)
    """How long it pauses between groups; None: until somebody lets it go on."""

    def __str__(self) -> str:
        """Flags. The first one is always there: one at a time is said, too."""
        stage = [] if self.stage is None else [f"--stage {self.stage}"]
        pause = [f"--pause {self.pause_minutes}m"] if self.pause_minutes else []
        return " ".join([f"--side-by-side {self.side_by_side}", *stage, *pause])


class BringBack(_Request):
    """The way home for all VMs that an evacuation took away from a node."""

    node: str

    def __str__(self) -> str:
        return f"bring-back {quoted(self.node)}"


class BatchRequest(_Request):
    """Several VMs in one plan: named one by one, or found by `selector` or `evacuate`. None means: not said."""

    moves: tuple[MoveRequest, ...] = ()
    """In the order in which they were named; each with its own target and type, where one was said."""
    selector: str | None = None
    """A label selector: all VMs that it matches."""
    evacuate: str | None = None
    """A node: all VMs that run on it."""
    namespace: str | None = None
    """Narrows `selector` and `evacuate`."""
    target: str | None = None
    type: MoveType | None = None
    replace_rules: bool = False
    """All three for whatever `selector` or `evacuate` finds."""
    reason: Reason = None
    when: When | None = None
    """When it is to start; None: as soon as it is confirmed."""
    incident: IncidentId | None = None
    """The incident for whose sake it waives the usual approvals; it needs a reason then."""
    without: tuple[str, ...] = ()
    """VMs (`namespace/name`) that people took out of what was found."""
    pace: Pace | None = None
    """None: one at a time, in stages from a certain size on."""
    as_listed: bool = False
    """Run `moves` in exactly this order; else smallest first, live before cold."""

    def __str__(self) -> str:
        words = [*(self._named() if self.moves else self._found()), *([str(self.pace)] if self.pace else [])]
        words += ["--as-listed"] if self.as_listed else []
        words += [f"--without {','.join(self.without)}"] if self.without else []
        return " ".join([*words, *_mode(self)])

    def _named(self) -> list[str]:
        ways = {(move.type, move.replace_rules) for move in self.moves}
        front = _way(*ways.pop()) if len(ways) == 1 else []
        if len({(move.source, move.target) for move in self.moves}) == 1 and not ways:
            names = ", ".join(_of(move.vm, move.namespace)[0] for move in self.moves)
            return [*front, names, *self.moves[0].where()[1:]]
        return [*front, ", ".join(_each(move, alike=not ways) for move in self.moves)]

    def _found(self) -> list[str]:
        words = [f'--selector "{self.selector}"'] if self.selector else []
        words += ["everything on", quoted(self.evacuate)] if self.evacuate else []
        words += [*_step("in", self.namespace), *_step("to", self.target)]
        return [*words, *_way(self.type, self.replace_rules)]


Planned = MoveRequest | BatchRequest
"""What a plan can be made of."""

Request = Help | Pins | Status | History | BringBack | MoveRequest | BatchRequest


class Reading(_Request):
    """One of the things that an ambiguous text may mean."""

    label: str
    """In a few words."""
    request: Planned


class Ambiguous(_Request):
    """A text that may mean several things. Nobody but its writer can say which."""

    question: str
    readings: tuple[Reading, ...]


def _of(vm: str | None, namespace: str | None) -> list[str]:
    if vm is None:
        return ["-n", quoted(namespace)] if namespace else []
    return [f"{namespace}/{vm}" if namespace else quoted(vm)]


def _step(word: str, name: str | None) -> list[str]:
    return [word, quoted(name)] if name else []


def _way(type_: MoveType | None, replace_rules: bool) -> list[str]:  # noqa: FBT001  # one move's own two fields
    return [*([f"--{type_}"] if type_ else []), *(["--replace-rules"] if replace_rules else [])]


def _each(move: MoveRequest, *, alike: bool) -> str:
    """One of several moves that differ: what it leaves open is said, lest its neighbour's counted for it."""
    target = [] if move.target else ["to any"]
    way = [] if alike else (_way(move.type, move.replace_rules) or ["--auto"])
    return " ".join([*move.where(), *target, *way])


def _mode(request: MoveRequest | BatchRequest) -> list[str]:
    when = [str(request.when)] if request.when else []
    return [*when, *([f"--incident {request.incident}"] if request.incident else []), *_because(request.reason)]


def _because(reason: str | None) -> list[str]:
    return ['--reason "' + _QUOTES.sub(r"\\\g<0>", reason) + '"'] if reason else []
