"""Every setting of the bot; the only reader of the environment.

Slack's and Kubernetes' own variables keep their usual names; all others begin with `VM_MIGRATE_`. A bad value stops the
bot at start with the field's name; secrets are typed so that they never print.
"""

import os
import re
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

Address = Annotated[str, Field(pattern=r"^$|^[^\s/]*:\d{1,5}$")]
"""`HOST:PORT`, `[::]:PORT` for IPv6, `:PORT` for every interface; port 0 takes a free one. Or empty."""

LONGEST = 100_000
"""Minutes or hours: no time of the bot is meant to be longer."""


class Settings(BaseSettings):
    """The bot's settings, read from the environment."""

    model_config = SettingsConfigDict(env_prefix="VM_MIGRATE_", frozen=True, extra="ignore", populate_by_name=True)

    slack_bot_token: SecretStr = Field(default=SecretStr(""), validation_alias="SLACK_BOT_TOKEN")
    """The bot user's token, `xoxb-...`. Needed by `run`."""

    slack_app_token: SecretStr = Field(default=SecretStr(""), validation_alias="SLACK_APP_TOKEN")
    """The app-level token with `connections:write`, `xapp-...`. Needed by `run` in Socket Mode; one deployment only may
    use it."""

    slack_signing_secret: SecretStr = Field(default=SecretStr(""), validation_alias="SLACK_SIGNING_SECRET")
    """The app's signing secret, from Basic Information. Needed with `slack_listen`: it proves who sent a request."""

    slack_listen: Address = ""
    """`HOST:PORT` on which Slack's signed requests are taken, at `/slack/events` (HTTP mode). Empty: Socket Mode, for
    which the bot opens every connection itself. Slack wants https: put a proxy with a certificate before it."""

    slack_api_url: str = Field(default="https://slack.com/api/", validation_alias="SLACK_API_URL")
    """Where Slack's Web API is; ends in a slash. Plain http is accepted for loopback only (the sandbox)."""

    kubeconfig: str | None = Field(default=None, validation_alias="KUBECONFIG")
    """Path of a kubeconfig. Unset: the service account of the pod that the bot runs in."""

    namespaces: str = ""
    """Namespaces whose VMs the bot serves, with commas between. Empty: all, which needs rights in the whole cluster."""

    channel_namespaces: str = ""
    """Which namespace is meant in a channel when several have a VM of that name: `C0OPS000001=production`, with commas
    between; channels by id. Empty: people are asked."""

    database_url: str = "sqlite+aiosqlite:///vm-migrate-bot.db"
    """SQLAlchemy URL of the store. It holds every plan and what was written: put it on a disk that survives the pod, or
    into a PostgreSQL (`postgresql+asyncpg://...`), which several bots can share."""

    plan_valid_minutes: float = Field(default=30, gt=0, le=LONGEST)
    """Minutes until a plan that nobody confirmed expires: what it was judged on gets old."""

    approved_valid_minutes: float = Field(default=10, gt=0, le=LONGEST)
    """Minutes from the approval to the first write; without one the plan lapses. Nobody wants the 14:00 approval to
    move the VM at 16:00, after an outage."""

    late_start_minutes: float = Field(default=15, gt=0, le=LONGEST)
    """Minutes that a plan for a certain time may start late, after the bot was down or the VM was being moved. Later it
    is not run: a window that people have reckoned with is over."""

    live_limit_minutes: float = Field(default=10, gt=0, le=LONGEST)
    """Minutes after which a live move that has not ended is reported as such. The cluster goes on, the bot watches."""

    start_answer_minutes: float = Field(default=5, gt=0, le=LONGEST)
    """Minutes that people have to say what to do with a VM which does not start on its target. Without an answer it
    goes back to its old placement: a VM is never left down because nobody looked."""

    pin_reminder_hours: float = Field(default=24, gt=0, le=LONGEST)
    """Hours after which somebody who chose “later” is asked about the pin again."""

    policy_file: Path | None = None
    """YAML file with the rules about who may do what, see docs/policy.md. Unset: members of the channel may."""

    audit: str = ""
    """Where each decision about people goes as a line of JSON: the path of a file, or `-` for standard output."""

    audit_channel: str = Field(default="", pattern=r"^([CG][A-Z0-9]{2,20})?$")
    """Channel (its id) in which every incident is told besides; the bot must be in it."""

    allow_guests: bool = False
    """Whether guest accounts of the workspace are judged by the rules like others, or refused."""

    allow_shared_channels: bool = False
    """Whether moves may be planned in channels that are shared with another organisation. Its people may only look
    there, but they read every card."""

    requests_per_minute: int = Field(default=10, ge=1, le=LONGEST)
    """Requests that one person may make in a minute."""

    channel_requests_per_minute: int = Field(default=30, ge=1, le=LONGEST)
    """Requests in one channel in a minute."""

    open_plans: int = Field(default=20, ge=1, le=LONGEST)
    """Plans of one person that may wait for their Confirm at once."""

    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    """Standard logging level of the bot's own lines; its libraries speak from WARNING on, and never print payloads."""

    log_format: Literal["text", "json"] = "text"
    """Lines for people, or one object of JSON for each, with the plan and the move that it is about."""

    operations_listen: Address = ""
    """`HOST:PORT` for `/healthz`, `/readyz` and `/metrics`. Empty: none of them. It asks nobody who they are: keep it
    inside the cluster."""

    @property
    def secrets(self) -> tuple[str, ...]:
        """What must never be shown."""
        held = (self.slack_bot_token, self.slack_app_token, self.slack_signing_secret)
        return tuple(secret.get_secret_value() for secret in held)

    @property
    def namespace_names(self) -> tuple[str, ...]:
        """`namespaces`, one by one."""
        return tuple(name for part in self.namespaces.split(",") if (name := part.strip()))

    @property
    def namespace_by_channel(self) -> Mapping[str, str]:
        """`channel_namespaces`, by channel."""
        pairs = (pair.partition("=") for part in self.channel_namespaces.split(",") if (pair := part.strip()))
        return {channel.strip(): namespace.strip() for channel, _, namespace in pairs}

    @field_validator("channel_namespaces")
    @classmethod
    def _pairs(cls, given: str) -> str:
        for part in filter(None, (part.strip() for part in given.split(","))):
            if not re.fullmatch(r"[CG][A-Z0-9]+\s*=\s*[a-z0-9]([-a-z0-9]*[a-z0-9])?", part):
                raise ValueError(f"{part} is not like C0OPS000001=production")
        return given

    @property
    def plan_valid(self) -> timedelta:
        """`plan_valid_minutes` as a duration."""
        return timedelta(minutes=self.plan_valid_minutes)

    @property
    def approved_valid(self) -> timedelta:
        """`approved_valid_minutes` as a duration."""
        return timedelta(minutes=self.approved_valid_minutes)

    @property
    def late_start(self) -> timedelta:
        """`late_start_minutes` as a duration."""
        return timedelta(minutes=self.late_start_minutes)

    @property
    def live_limit(self) -> timedelta:
        """`live_limit_minutes` as a duration."""
        return timedelta(minutes=self.live_limit_minutes)

    @property
    def start_answer(self) -> timedelta:
        """`start_answer_minutes` as a duration."""
        return timedelta(minutes=self.start_answer_minutes)

    @property
    def pin_reminder(self) -> timedelta:
        """`pin_reminder_hours` as a duration."""
        return timedelta(hours=self.pin_reminder_hours)


def env_name(field: str) -> str:
    """The variable that sets a field, as an operator types it."""
    known = Settings.model_fields.get(field)
    return f"VM_MIGRATE_{field.upper()}" if known and known.validation_alias is None else field


def child_environment(added: Mapping[str, str]) -> dict[str, str]:
    """This process's environment for a child, without settings of the bot that came from outside, plus `added`."""
    ours = ("VM_MIGRATE_", "SLACK_", "KUBECONFIG")
    return {name: value for name, value in os.environ.items() if not name.startswith(ours)} | dict(added)
