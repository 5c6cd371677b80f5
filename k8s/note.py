"""What stands on a VM while the bot moves it cold or keeps it pinned.

The note is on the object from the first write on, so that even without the bot's database anybody can read what the VM
had before. It is the fence as well: each write tests it, word for word.
"""

import json
from dataclasses import asdict, dataclass, field, replace

from k8s import placement
from k8s.names import ANNOTATION_NOTE
from k8s.snapshots import Json, Placement, VirtualMachine

STOPPED = "Stopped"
"""`status.printableStatus` of a VM that neither runs nor is about to (kubevirt.io/api core/v1 types.go)."""


@dataclass(frozen=True, slots=True)
class Note:
    """Whose plan, which run, and what was there before."""

    plan: str
    epoch: int
    """Grows with each owner of the run; a writer with an older one is refused."""
    run_strategy: str | None
    running: bool | None
    affinity: Json | None
    """As it was without any pin of ours; None where it was absent."""
    hostname: str
    """The pin that we put."""
    node_selector: Json | None = None
    """As it was without us; None where it was absent. Notes of older versions do not say, nor have they changed it."""
    dropped: Json = field(default_factory=dict)
    """What of it the VM goes without, since people chose to replace rules that do not allow the target. On the VM
    empty until the pin is written."""
    terms_replaced: bool = False
    """Whether the pin takes the place of the required node terms, for the same reason, or narrows them."""

    def text(self) -> str:
        """As it stands in the annotation."""
        return json.dumps(asdict(self), sort_keys=True)

    @property
    def replaces(self) -> bool:
        """Whether rules of the VM's own do not hold while it is pinned."""
        return self.terms_replaced or bool(self.dropped)

    def pinned(self) -> Json:
        """The affinity with our pin."""
        put = placement.pin_instead if self.terms_replaced else placement.pin
        return put(self.affinity, self.hostname)

    def pinned_selector(self, current: Json | None) -> Json | None:
        """That node selector without what was dropped."""
        if not self.dropped:
            return current
        return {key: value for key, value in (current or {}).items() if key not in self.dropped} or None

    def unpinned(self, current: Json | None) -> Json | None:
        """That affinity without our pin: what was there before, together with what others have changed since."""
        if current == self.affinity:
            return current
        take_off = placement.restore if self.terms_replaced else placement.unpin
        return take_off(current, self.affinity, self.hostname)

    def unpinned_selector(self, current: Json | None) -> Json | None:
        """That node selector with what was dropped; a key that somebody has set meanwhile stays as they set it."""
        return {**self.dropped, **(current or {})} if self.dropped else current

    def own_rules(self, current: Placement) -> Placement:
        """What a VM that carries this note would demand without our pin."""
        selector = None if current.node_selector is None else dict(current.node_selector)
        return replace(
            current, affinity=self.unpinned(current.affinity), node_selector=self.unpinned_selector(selector)
        )


def parse_note(text: str | None) -> Note | None:
    """The note in that text; None when there is none, or none that can be read."""
    try:
        note = Note(**json.loads(text or "null"))
    except (ValueError, TypeError):
        return None
    return note if _is_sound(note) else None


def read_note(vm: VirtualMachine) -> Note | None:
    """Our note on a VM; None when there is none, or none that can be read."""
    return parse_note(vm.annotations.get(ANNOTATION_NOTE))


def is_stranded(vm: VirtualMachine) -> bool:
    """Whether a move has stopped this VM and not started it again: it bears our note, does not run, and has no pin.

    So it is while a move is under way, too; whoever asks has to know of none.
    """
    note = read_note(vm)
    return note is not None and vm.printable_status == STOPPED and vm.placement.affinity != note.pinned()


def note_for(vm: VirtualMachine, *, plan: str, epoch: int, hostname: str) -> Note:
    """The note of a new move.

    Where an older pin of ours is still there, the affinity before it stays the original. Where this very plan has
    halted the VM already, so does the run strategy.
    """
    older = read_note(vm)
    own = older.own_rules(vm.placement) if older else vm.placement
    begun = older is not None and older.plan == plan
    return Note(
        plan=plan,
        epoch=epoch,
        run_strategy=older.run_strategy if older and begun else vm.run_strategy,
        running=older.running if older and begun else vm.running,
        affinity=own.affinity,
        hostname=hostname,
        node_selector=None if own.node_selector is None else dict(own.node_selector),
    )


def _is_sound(note: Note) -> bool:
    """Whether the values have the types that the fields promise: the annotation is open to everybody."""
    return (
        isinstance(note.plan, str)
        and isinstance(note.epoch, int)
        and isinstance(note.hostname, str)
        and isinstance(note.run_strategy, str | None)
        and isinstance(note.running, bool | None)
        and isinstance(note.affinity, dict | None)
        and isinstance(note.node_selector, dict | None)
        and isinstance(note.dropped, dict)
        and isinstance(note.terms_replaced, bool)
    )
