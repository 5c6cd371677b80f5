"""Rules, as a file says them: what they match, whom they let do what, and how many approvals they want."""

from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, model_validator

from bot.policy.people import Action
from bot.request import MoveType

CHANNEL = "channel"
"""In place of a person or group: every member of the channel."""

_Who = Annotated[str, Field(pattern=r"^(channel|[UW][A-Z0-9]{2,20}|S[A-Z0-9]{2,20}|@[a-z0-9][a-z0-9._-]{0,79})$")]
"""`channel`, a user id, the id of a user group, or its @handle. Never a person's name: names can be changed."""
_Channel = Annotated[str, Field(pattern=r"^[CG][A-Z0-9]{2,20}$")]


class Frozen(BaseModel):
    """Data that does not change, with no key that is not known."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Subject(Frozen):
    """A move, as far as rules look at it."""

    namespace: str
    labels: Mapping[str, str] = {}
    """The VM's."""
    type: MoveType
    target: str = ""
    """Node; empty where the scheduler decides."""


class Case(Frozen):
    """What is to be judged: the moves of one plan, and where it is talked about."""

    subjects: tuple[Subject, ...] = Field(min_length=1)
    channel: str


class Match(Frozen):
    """All that is given must hold; within one list, one entry. Names are globs. An empty match takes every move."""

    namespaces: tuple[str, ...] = ()
    labels: Mapping[str, str] = {}
    types: tuple[MoveType, ...] = ()
    targets: tuple[str, ...] = ()
    moves_from: int = Field(default=1, ge=1)
    """Only plans of at least so many moves."""
    channels: tuple[_Channel, ...] = ()

    def takes(self, subject: Subject, case: Case) -> bool:
        """Whether the rule is for this move, or may turn out to be where the scheduler decides its target."""
        return (
            _fits(subject.namespace, self.namespaces)
            and (not subject.target or _fits(subject.target, self.targets))
            and (not self.types or subject.type in self.types)
            and (not self.channels or case.channel in self.channels)
            and len(case.subjects) >= self.moves_from
            and all(subject.labels.get(key) == value for key, value in self.labels.items())
        )


class Confirm(Frozen):
    """Who approves, and how many of them it takes."""

    who: tuple[_Who, ...] = Field(min_length=1)
    count: int = Field(default=1, ge=1, le=20)
    own: bool = False
    """Whether the press of whoever asked for the move, or changed it, counts."""


class Waiver(Frozen):
    """Who may move at once in an incident, without the usual approvals; in the open, and looked at afterwards."""

    who: tuple[_Who, ...] = Field(min_length=1)
    minutes: float = Field(default=30, gt=0, le=1440)
    """How long it counts, from when it is declared to its Confirm."""


class Rule(Frozen):
    """One rule of the file: it denies, or says who may."""

    name: str = Field(min_length=1, max_length=80)
    match: Match = Match()
    deny: str | None = Field(default=None, min_length=1, max_length=300)
    """Nobody may; this is what they are told."""
    request: tuple[_Who, ...] = ()
    confirm: Confirm | None = None
    incident: Waiver | None = None
    """None: nobody may, an incident waits for approvals like everything else."""
    allow: Mapping[Action, tuple[_Who, ...]] = {}
    """Who may do the other actions, where it is not the usual: answering a stuck move is for those who confirm, the
    rest for those who request or confirm."""
    channels: tuple[_Channel, ...] = ()
    """Only there; empty: in every channel that the bot is in."""
    expires_minutes: float | None = Field(default=None, gt=0, le=10_000)

    @model_validator(mode="after")
    def _one_kind(self) -> "Rule":
        if self.deny is None and not (self.request and self.confirm):
            raise ValueError("a rule needs `request` and `confirm`, or `deny`")
        if self.deny is not None and (self.request or self.confirm or self.incident or self.allow):
            raise ValueError("a rule that denies lets nobody: no `request`, `confirm`, `incident` or `allow`")
        if {Action.REQUEST, Action.CONFIRM, Action.DENY, Action.INCIDENT} & self.allow.keys():
            raise ValueError("`request`, `confirm` (which also denies) and `incident` stand beside `allow`, not in it")
        return self

    @property
    def groups(self) -> frozenset[str]:
        """Every user group that it names."""
        return frozenset(who for action in Action for who in self.who(action) if is_group(who))

    def who(self, action: Action) -> tuple[str, ...]:
        """Whom it lets do this."""
        confirm = self.confirm.who if self.confirm else ()
        match action:
            case Action.REQUEST:
                return self.request
            case Action.CONFIRM | Action.DENY:
                return confirm
            case Action.INCIDENT:
                return self.incident.who if self.incident else ()
            case Action.ANSWER:
                return self.allow.get(action, confirm)
            case _:
                return self.allow.get(action, (*self.request, *confirm))


def is_group(who: str) -> bool:
    """Whether a word of a rule names a user group."""
    return who.startswith(("S", "@"))


def _fits(name: str, globs: tuple[str, ...]) -> bool:
    return not globs or any(fnmatchcase(name, glob) for glob in globs)
