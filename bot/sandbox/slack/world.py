"""The workspace that the sandbox starts with, as data: who is there, who is in which channel, what the app is called.

It holds one of each kind of person that an approval bot has to tell apart: a requester, two approvers, a guest, a
person of another company, and somebody outside the channel. All credentials are made up and fixed, so that
scripts can name them; they open nothing but a sandbox on loopback.
"""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Team:
    """A workspace; `domain` is the first part of `domain.slack.com`."""

    id: str
    name: str
    domain: str


@dataclass(frozen=True)
class Person:
    """A user as `users.info` knows one."""

    id: str
    handle: str
    name: str
    team_id: str
    title: str = ""
    zone: str = "Etc/UTC"
    is_restricted: bool = False
    is_bot: bool = False


@dataclass(frozen=True)
class Channel:
    """A channel at the start; `members` are handles."""

    id: str
    name: str
    topic: str
    members: tuple[str, ...]
    is_private: bool = False
    is_ext_shared: bool = False


@dataclass(frozen=True)
class UserGroup:
    """A user group such as @sre; `members` are handles."""

    id: str
    handle: str
    name: str
    members: tuple[str, ...]


@dataclass(frozen=True)
class Command:
    """A slash command as the app's manifest registers it."""

    name: str
    description: str
    usage_hint: str


@dataclass(frozen=True)
class Credentials:
    """What an app gets from Slack: bot token, app-level token (`connections:write`), signing secret."""

    bot_token: str
    app_token: str
    signing_secret: str


@dataclass(frozen=True)
class App:
    """The installed app and its bot user."""

    id: str
    bot_id: str
    user_id: str
    handle: str
    commands: tuple[Command, ...]
    credentials: Credentials


@dataclass(frozen=True)
class World:
    """Everything that exists when the sandbox starts."""

    team: Team
    partner: Team
    app: App
    people: tuple[Person, ...]
    channels: tuple[Channel, ...]
    usergroups: tuple[UserGroup, ...] = field(default=())


CREDENTIALS = Credentials("xoxb-sandbox-vm-migrate", "xapp-1-A0VMMIGRATE-sandbox", "sandbox-signing-secret")

HOME = Team("T0SANDBOX1", "Sandbox", "sandbox")
ACME = Team("T0ACME0001", "Acme Partners", "acme-partners")

COMMANDS = (
    Command("/vm-migrate", "Plan a move of a virtual machine", "<vm> <node>"),
    Command("/vm-inventory", "Show virtual machines and nodes", "[namespace]"),
)

APP = App("A0VMMIGRATE", "B0VMMIGRATE", "U0VMMIGRATE", "vm-migrate", COMMANDS, CREDENTIALS)

PEOPLE = (
    Person(APP.user_id, APP.handle, "vm-migrate", HOME.id, "App", is_bot=True),
    Person("U0DANA00001", "dana", "Dana Flores", HOME.id, "Platform engineer, on call"),
    Person("U0RAVI00001", "ravi", "Ravi Iyer", HOME.id, "SRE"),
    Person("U0MEI000001", "mei", "Mei Tanaka", HOME.id, "SRE"),
    Person("U0LENA00001", "lena", "Lena Novak", HOME.id, "Marketing"),
    Person("U0GIL000001", "gil", "Gil Moreau", HOME.id, "Contractor", is_restricted=True),
    Person("U0OTTO00001", "otto", "Otto Brandt", ACME.id, "Partner engineer"),
)

CHANNELS = (
    Channel("C0OPS000001", "ops", "Changes to the clusters", ("vm-migrate", "dana", "ravi", "mei", "gil")),
    Channel("C0SRE000001", "sre", "The SRE team", ("vm-migrate", "ravi", "mei")),
    Channel(
        "C0ACME00001",
        "shared-acme",
        "Together with Acme Partners",
        ("vm-migrate", "dana", "ravi", "otto"),
        is_ext_shared=True,
    ),
    Channel("C0RANDOM001", "random", "Anything else", ("dana", "ravi", "mei", "lena")),
)

USER_GROUPS = (
    UserGroup("S0SRE000001", "sre", "Site reliability", ("ravi", "mei")),
    UserGroup("S0ONCALL001", "oncall", "On call this week", ("dana",)),
)


def default_world() -> World:
    """The world of the stories."""
    return World(HOME, ACME, APP, PEOPLE, CHANNELS, USER_GROUPS)
