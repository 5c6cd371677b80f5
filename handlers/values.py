"""What our own buttons and modals carry there and back: which plan, which revision, which VM.

Nothing in it is secret and nothing in it is believed: the service compares the revision, the policy judges the person.
A value that does not parse (an old card, a forged payload) is a BotError.
"""

from typing import Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from bot.errors import BotError
from bot.record import Doubt

_PLAN_ID = r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$"
_CHANNEL = r"^[CGD][A-Z0-9]+$"
_LONGEST_NAME = 253
"""RFC 1123 subdomain."""


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")

    def dump(self) -> str:
        """The text for a button's `value` or a view's `private_metadata`."""
        return self.model_dump_json()

    @classmethod
    def load(cls, text: str) -> Self:
        """Read it back. Raises BotError `bad-button`."""
        try:
            return cls.model_validate_json(text)
        except ValidationError as error:
            raise BotError(
                "bad-button", "This button does not say which plan it belongs to.", "Ask for the move again."
            ) from error


class PlanRef(_Value):
    """A plan as a card showed it."""

    plan: str = Field(pattern=_PLAN_ID)
    revision: int = Field(ge=1)


class NodeRef(PlanRef):
    """A node for a plan."""

    node: str = Field(min_length=1, max_length=_LONGEST_NAME)
    cold: bool = False
    """Move it cold, whatever the plan says."""


class MoveRef(PlanRef):
    """One move of a plan."""

    move: int = Field(ge=0)


class HoldRef(PlanRef):
    """A pause of a batch, as a message showed it."""

    hold: int = Field(ge=0)


class HomeRef(_Value):
    """A node that VMs were taken away from."""

    node: str = Field(min_length=1, max_length=_LONGEST_NAME)


class DoubtRef(MoveRef):
    """What a move is stuck at, as a question showed it."""

    doubt: Doubt


class ElsewhereState(DoubtRef):
    """What the form for another node remembers."""

    channel: str = Field(pattern=_CHANNEL)


class VmRef(_Value):
    """A VM on a list, which may outlive the plan that it came from."""

    namespace: str = Field(min_length=1, max_length=_LONGEST_NAME)
    vm: str = Field(min_length=1, max_length=_LONGEST_NAME)


class ModalState(PlanRef):
    """What the Modify modal remembers: a view has no channel of its own."""

    channel: str = Field(pattern=_CHANNEL)
    fresh: bool = False
    """What is submitted becomes a plan of its own, since this one has ended."""
