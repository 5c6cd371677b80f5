"""The words that requests are written with. A VM or node that has one of them for its name is written in quotes.

`bot.grammar` reads by these tables, and `bot.request` prints by them.
"""

from collections.abc import Mapping
from enum import Enum, auto


class Kind(Enum):
    """What a word does in a request."""

    NAME = auto()
    FLAG = auto()
    TO = auto()
    FROM = auto()
    IN = auto()
    ON = auto()
    AND = auto()
    OR = auto()
    LIVE = auto()
    COLD = auto()
    MOVE = auto()
    EVACUATE = auto()
    EVERYTHING = auto()
    ANYWHERE = auto()
    VMS = auto()
    NODE = auto()
    NAMESPACE = auto()
    DAY = auto()
    REFUSED = auto()
    NOISE = auto()


_SAID: Mapping[Kind, str] = {
    Kind.TO: "to onto into towards toward",
    Kind.FROM: "from off out",
    Kind.IN: "in within inside",
    Kind.ON: "on at",
    Kind.AND: "and plus then also",
    Kind.OR: "or",
    Kind.LIVE: "live",
    Kind.COLD: "cold",
    Kind.MOVE: """move moves moved moving migrate migrates migrated migrating migration relocate shift transfer send
        bring""",
    Kind.EVACUATE: "evacuate drain empty",
    Kind.EVERYTHING: "everything all every",
    Kind.ANYWHERE: "any anywhere somewhere wherever",
    Kind.VMS: "vms machines",
    Kind.NODE: "node nodes host hosts hypervisor",
    Kind.NAMESPACE: "namespace ns project",
    Kind.DAY: "today tonight tomorrow",
    Kind.REFUSED: """not no don't dont never cancel abort stop undo except without but if unless until after before
        when""",
    Kind.NOISE: """please pls plz kindly can could would will you we i i'd i'm want need needs like lets let's hey hi
        hello thanks thank thx ty just now asap urgent urgently the a an my our us me for vm machine virtual bot of back
        away over again else other using with via by as do start run perform make get got should must be has have is it
        that both which running runs currently placed one quickly""",
}

KINDS: Mapping[str, Kind] = {word: kind for kind, words in _SAID.items() for word in words.split()}

COMPOUNDS: Mapping[str, Kind] = {
    f"{type_.name.lower()}{joint}{verb}": type_
    for type_ in (Kind.LIVE, Kind.COLD)
    for joint in ("-", "")
    for verb in ("migrate", "migrated", "migration", "move")
}
"""“live-migrate” and its like: a type and a verb in one."""

TYPOS: Mapping[str, str] = {
    "form": "from",
    "fom": "from",
    "frm": "from",
    "fro": "from",
    "ot": "to",
    "tot": "to",
    "too": "to",
    "tp": "to",
    "adn": "and",
    "nad": "and",
}
"""Words that are more often a slip than a name. Asked about, never put right unasked."""

COMMANDS = ("help", "pins", "status", "history", "bring-back")
"""What a request begins with that is no move."""

SELF = "vm-migrate"
"""The command itself, as people copy it together with the rest."""

RESERVED = frozenset({*KINDS, *COMPOUNDS, *TYPOS, *COMMANDS, SELF, "because", "show", "list", "last"})


def quoted(name: str) -> str:
    """A name as it is written in a request; one that begins with a digit might be read as a time."""
    return f'"{name}"' if name in RESERVED or name[:1].isdigit() else name
