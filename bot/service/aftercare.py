"""After a move: the pin that it left, the way back, the finished VMIM."""

from bot import approval, cold, errors, progress
from bot.errors import BotError, VmMoving
from bot.policy import Action, Actor, Subject
from bot.ports import Entry, PinnedVm
from bot.record import PinState, Place, Record
from bot.request import MoveType
from bot.service.base import Allowed, Base, ended
from k8s.cold import go_home, unpin
from k8s.note import Note, is_stranded, read_note
from k8s.snapshots import Ref, VirtualMachine


class Aftercare(Base):
    """Moves that have ended, and what they left."""

    async def decide_pin(self, plan_id: str, index: int, wanted: PinState, actor: Actor) -> Record:
        """Remove, keep, or be reminded of the node affinity that a cold move has left: for the people of the plan."""
        allowed = await self._allowed(plan_id, Action.UNPIN, actor)
        approval.check_concerned(allowed.before, actor)
        return await self._decide_pin(allowed, index, wanted)

    async def _decide_pin(self, allowed: Allowed, index: int, wanted: PinState) -> Record:
        _, move = ended(allowed.before, index)
        effective = True
        if wanted is PinState.REMOVED:
            await self._check_idle(move.key)
            effective = await self._unpin(Ref(move.namespace, move.vm), allowed.before.id)
        now, actor = self._clock.now(), allowed.actor
        remind_at = now + self._remind_after if wanted is PinState.LATER else None

        def change(current: Record) -> Record:
            return cold.decide_pin(current, index, wanted, actor, now, effective=effective, remind_at=remind_at)

        entry = Entry(f"pin {wanted}", actor, {"move": index, "effective": effective})
        return await self._decide(allowed, change, entry)

    async def pins(self, actor: Actor) -> tuple[PinnedVm, ...]:
        """VMs that the bot has left pinned, whether or not it still knows their plans."""
        self._authority.authorize(actor, Action.REQUEST)
        return await self._pins()

    async def _pins(self) -> tuple[PinnedVm, ...]:
        with errors.for_people():
            vms = await self._cluster.pinned_vms()
        return tuple([await self._pinned(vm, note) for vm in vms if (note := read_note(vm))])

    async def _pinned(self, vm: VirtualMachine, note: Note) -> PinnedVm:
        lost = await self._store.get(note.plan) is None
        down = lost and is_stranded(vm)
        return PinnedVm(vm.ref.namespace, vm.ref.name, note.hostname, note.plan, vm.labels, lost=lost, down=down)

    async def unpin(self, namespace: str, name: str, actor: Actor, place: Place) -> PinnedVm:
        """Remove the pin of a VM, for any member of the channel; tell the plan that left it, where there is one."""
        self._authority.authorize(actor, Action.UNPIN)
        pinned = next((pin for pin in await self._pins() if (pin.namespace, pin.name) == (namespace, name)), None)
        if pinned is None:
            raise BotError(
                "no-pin", f"{namespace}/{name} carries no node affinity of mine.", "There is nothing to remove."
            )
        subject = Subject(namespace=namespace, labels=pinned.labels, type=MoveType.COLD, target=pinned.hostname)
        decision = self._authority.authorize_unpin(actor, subject, place)
        await self._check_idle(f"{namespace}/{name}")
        current = await self._store.get(pinned.plan_id)
        index = _left_by(current, f"{namespace}/{name}") if current else None
        if current and index is not None:
            await self._decide_pin(Allowed(current, actor, Action.UNPIN, decision), index, PinState.REMOVED)
        elif pinned.down:
            await self._bring_home(Ref(namespace, name))
            self._authority.done(actor, Action.UNPIN, decision, "brought home", pinned.plan_id)
        else:
            await self._unpin(Ref(namespace, name), pinned.plan_id)
            self._authority.done(actor, Action.UNPIN, decision, "pin removed", current or pinned.plan_id)
        return pinned

    async def _bring_home(self, ref: Ref) -> None:
        """A VM that a move has stopped whose plan is lost: what it had stands on it, so it can have it back."""
        with errors.for_people():
            vm = await self._cluster.vm(ref)
            note = read_note(vm) if vm else None
            if vm and note and is_stranded(vm):
                await go_home(self._cluster, ref, note)

    async def _check_idle(self, key: str) -> None:
        """Refuse to take the pin off a VM that a plan is moving right now: that move needs it."""
        if held := await self._store.holder(key):
            raise VmMoving(key, held)

    async def _unpin(self, ref: Ref, plan_id: str) -> bool:
        """Take off the pin that this plan has left, never one that a later plan has put in its place."""
        with errors.for_people():
            return (await unpin(self._cluster, ref, plan=plan_id)).effective

    async def clean_up(self, plan_id: str, index: int, actor: Actor) -> Record:
        """Delete the finished VMIM of a move."""
        allowed = await self._allowed(plan_id, Action.CLEAN_UP, actor)
        run, move = ended(allowed.before, index)
        if run.intent and not run.cleaned:
            with errors.for_people():
                await self._cluster.delete_migration(Ref(move.namespace, run.intent.name), run.intent.uid)
        return await self._decide(
            allowed,
            lambda now: progress.cleaned(now, index),
            Entry("cleaned up", actor, {"move": index}),
        )


def _left_by(record: Record, vm_key: str) -> int | None:
    """The move of a plan that has left its pin on this VM, as far as the plan knows."""
    moves = enumerate(zip(record.plan.moves, record.runs, strict=True))
    left = (n for n, (move, run) in moves if move.key == vm_key and run.pin and run.pin.state is not PinState.REMOVED)
    return next(left, None)
