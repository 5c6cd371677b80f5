"""A story as data: what a YAML file of `sandbox play` may say.

    story: The first move
    speed: 20                    # the cluster's clock against real time
    policy: "rules: [...]"       # a policy file for the bot; a step `policy` replaces it
    settings: {VM_MIGRATE_LIVE_LIMIT_MINUTES: "10"}
    steps:
      - say:    {as: dana, in: "#ops", text: "/vm-migrate web-01 worker-05"}
      - expect: {as: dana, in: "#ops", text: [web-01, worker-05], name: card}
      - click:  {as: ravi, message: card, button: Confirm}
      - expect: {as: ravi, in: "#ops", thread: card, text: moved, within: 30}
      - vm:     {name: production/web-01, node: worker-05}

Each step is one key. People go by handle, channels by name, messages by the name that an `expect` gave them, buttons
and fields by what is written on them. Unknown keys are refused with their line.
"""

from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

Texts = Annotated[tuple[str, ...], BeforeValidator(lambda given: (given,) if isinstance(given, str) else given)]


class _Step(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class Say(_Step):
    """Somebody types into a channel, or into the thread of a named message."""

    who: str = Field(alias="as")
    channel: str = Field(alias="in")
    text: str
    thread: str | None = None
    fails: str | None = None
    """The error that Slack shows instead, for example operation_timeout."""


class Expect(_Step):
    """Somebody sees a message with all these texts, soon."""

    who: str = Field(alias="as")
    channel: str = Field(alias="in")
    text: Texts
    without: Texts = ()
    thread: str | None = None
    """Looks into the thread of that named message; without it, only at the channel itself."""
    name: str | None = None
    """What later steps call the message."""
    times: int | None = None
    """Exactly so many such messages are there."""
    within: float = 15.0
    """Real seconds."""


class Click(_Step):
    """Somebody presses a button of a named message."""

    who: str = Field(alias="as")
    message: str
    button: str
    double: bool = False


class Submit(_Step):
    """Somebody fills in the modal that they have open, and submits (or closes) it."""

    who: str = Field(alias="as")
    values: dict[str, str] = {}
    """Label of a field -> what to enter; for a choice, the option's text."""
    close: bool = False
    error: str | None = None
    """The text that some field answers with."""


class Vm(_Step):
    """The VM runs on that node, soon, and this many migrations of it exist."""

    name: str = Field(pattern="^[^/]+/[^/]+$")
    """namespace/name"""
    node: str
    migrations: int | None = None
    within: float = 15.0


class Request(_Step):
    """A call to the cluster's API, as an admin would make it with kubectl."""

    verb: Literal["GET", "POST", "PATCH", "PUT", "DELETE"]
    path: str
    body: dict[str, Any] | None = None


class Step(_Step):
    """One line of a story: exactly one of these."""

    say: Say | None = None
    expect: Expect | None = None
    click: Click | None = None
    submit: Submit | None = None
    vm: Vm | None = None
    api: Request | None = None
    bot: Literal["kill", "start", "stop", "restart"] | None = None
    slack: dict[str, Any] | None = None
    """Faults of Slack, see `bot.sandbox.slack.people.trouble`."""
    cluster: dict[str, Any] | None = None
    """Faults of the cluster, see `bot.sandbox.cluster`'s admin endpoint."""
    clock: dict[str, Any] | None = None
    """The cluster's clock: {advance: seconds} or {speed: factor}."""
    policy: str | None = None
    """The new text of the policy file."""
    wait: float | None = None
    """Real seconds; for what must not happen."""
    tell: str | None = None
    """A word to whoever watches or practises."""

    @model_validator(mode="after")
    def _one(self) -> "Step":
        given = self.model_fields_set
        if len(given) != 1:
            raise ValueError(f"a step is one of {', '.join(type(self).model_fields)}; this one has {len(given)}")
        return self


class Story(_Step):
    """A whole file."""

    story: str
    learn: str = ""
    """What somebody who practises it takes away."""
    speed: float = 10.0
    settings: dict[str, str] = {}
    policy: str | None = None
    steps: tuple[Step, ...]


def load(path: Path | Traversable) -> Story:
    """Read a story. Raises OSError, yaml.YAMLError or pydantic.ValidationError, each naming the place."""
    return Story.model_validate(yaml.safe_load(path.read_text()))
