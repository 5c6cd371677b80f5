"""What stands on a VM while the bot moves it cold or keeps it pinned.

The note is on the object from the first write on, so that even without the bot's database anybody can read what the VM
had before. It is the fence as well: each write tests it, word for word.
"""

import json
from dataclasses import asdict, dataclass

from k8s import placement
from k8s.names import ANNOTATION_NOTE
from k8s.snapshots import Json, VirtualMachine


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

    def text(self) -> str:
        """As it stands in the annotation."""
        return json.dumps(asdict(self), sort_keys=True)

    def pinned(self) -> Json:
        """The affinity with our pin."""
        return placement.pin(self.affinity, self.hostname)

    def unpinned(self, current: Json | None) -> Json | None:
        """That affinity without our pin: what was there before, together with what others have changed since."""
        if current == self.affinity:
            return current
        return placement.unpin(current, self.affinity, self.hostname)


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


def note_for(vm: VirtualMachine, *, plan: str, epoch: int, hostname: str) -> Note:
    """The note of a new move.

    Where an older pin of ours is still there, the affinity before it stays the original. Where this very plan has
    halted the VM already, so does the run strategy.
    """
    older, affinity = read_note(vm), vm.placement.affinity
    begun = older is not None and older.plan == plan
    return Note(
        plan=plan,
        epoch=epoch,
        run_strategy=older.run_strategy if older and begun else vm.run_strategy,
        running=older.running if older and begun else vm.running,
        affinity=older.unpinned(affinity) if older else affinity,
        hostname=hostname,
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
    )
