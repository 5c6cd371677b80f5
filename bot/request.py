"""What people ask for, as typed requests; `bot.grammar` reads them from text.

Names in a request follow Kubernetes' own rule (RFC 1123 subdomain), so that they can carry no markup.
"""

from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field

FORM = "vm-migrate web-01 worker-05"
"""The form that error messages show."""


class MoveType(StrEnum):
    """How a VM is moved."""

    LIVE = "live"
    COLD = "cold"


class Help(BaseModel):
    """Somebody asks what the bot can do."""

    model_config = ConfigDict(frozen=True)


class Pins(BaseModel):
    """Somebody asks which VMs the bot has left pinned to a node."""

    model_config = ConfigDict(frozen=True)


class MoveRequest(BaseModel):
    """One VM to move. None means: not said."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    vm: str
    namespace: str | None = None
    source: str | None = None
    """The node that it is said to run on; a move from elsewhere is refused."""
    target: str | None = None
    type: MoveType | None = None
    replace_rules: bool = False
    """Cold only: where the VM's own rules do not allow the target, the pin takes their place."""
    reason: str | None = None
    """Why, in people's own words: untrusted text."""

    def __str__(self) -> str:
        """The canonical text, which parses back to the same request."""
        words = [f"{self.namespace}/{self.vm}" if self.namespace else self.vm]
        words += [self.target] if self.target else []
        words += [f"--{self.type}"] if self.type else []
        words += ["--replace-rules"] if self.replace_rules else []
        return " ".join(words)


class Pace(BaseModel):
    """How the moves of a batch follow each other."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    side_by_side: int = Field(default=1, ge=1, le=20)
    """Live moves at once; cold ones go alone whatever this says."""
    stage: int = Field(default=0, ge=0, le=100)
    """Moves in a group, after which the batch pauses; 0: no groups."""
    pause_minutes: float | None = Field(default=None, gt=0, le=1440)
    """How long it pauses between groups; None: until somebody lets it go on."""


class BringBack(BaseModel):
    """The way home for all VMs that an evacuation took away from a node."""

    model_config = ConfigDict(frozen=True)

    node: str


class BatchRequest(BaseModel):
    """Several VMs in one plan: named one by one, or found by `selector` or `evacuate`. None means: not said."""

    model_config = ConfigDict(frozen=True, extra="forbid")

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
    """Both for whatever `selector` or `evacuate` finds."""
    reason: str | None = None
    """Why, in people's own words: untrusted text."""
    without: tuple[str, ...] = ()
    """VMs (`namespace/name`) that people took out of what was found."""
    pace: Pace | None = None
    """None: one at a time, in stages from a certain size on."""
    as_listed: bool = False
    """Run `moves` in exactly this order; else smallest first, live before cold."""


Planned = MoveRequest | BatchRequest
"""What a plan can be made of."""

Request = Help | Pins | MoveRequest
