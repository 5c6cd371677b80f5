"""After a move: the pin that it left, the way back, the finished VMIM."""

from bot import approval, cold, errors, progress
from bot.errors import BotError, VmMoving
from bot.policy import Action, Actor, Subject
from bot.ports import Change, Entry, PinnedVm
from bot.record import PinState, Place, Record
from bot.request import MoveType
from bot.service.base import Base, ended
from k8s.cold import go_home, unpin
from k8s.note import Note, is_stranded, read_note
from k8s.snapshots import Ref, VirtualMachine


class Aftercare(Base):
    """Moves that have ended, and what they left."""

    async def decide_pin(self, plan_id: str, index: int, wanted: PinState, actor: Actor) -> Record:
        """Remove, keep, or be reminded of the node affinity that a cold move has left: for the people of the plan."""
        before = await self.get(plan_id)
        decision = self._authority.authorize(actor, Action.UNPIN, before.plan, before.place, plan_id)
        approval.check_concerned(before, actor)
        after = await self._decide_pin(plan_id, index, wanted, actor)
        self._authority.done(actor, Action.UNPIN, decision, f"pin {wanted}", after)
        return after

    async def _decide_pin(self, plan_id: str, index: int, wanted: PinState, actor: Actor) -> Record:
        _, move = ended(await self.get(plan_id), index)
        effective = True
        if wanted is PinState.REMOVED:
            await self._check_idle(move.key)
            effective = await self._unpin(Ref(move.namespace, move.vm), plan_id)
        now = self._clock.now()
        remind_at = now + self._remind_after if wanted is PinState.LATER else None

        def change(current: Record) -> Change:
            decided = cold.decide_pin(current, index, wanted, actor, now, effective=effective, remind_at=remind_at)
            return Change(decided, [Entry("pin", actor, {"move": index, "wanted": wanted, "effective": effective})])

        return await self._update(plan_id, change)

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
        done, about = "pin removed", current or pinned.plan_id
        if current and index is not None:
            about = await self._decide_pin(current.id, index, PinState.REMOVED, actor)
        elif pinned.down:
            await self._bring_home(Ref(namespace, name))
            done = "brought home"
        else:
            await self._unpin(Ref(namespace, name), pinned.plan_id)
        self._authority.done(actor, Action.UNPIN, decision, done, about)
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
        current = await self.get(plan_id)
        decision = self._authority.authorize(actor, Action.CLEAN_UP, current.plan, current.place, plan_id)
        run, move = ended(current, index)
        intent = run.intent
        if intent and not run.cleaned:
            with errors.for_people():
                await self._cluster.delete_migration(Ref(move.namespace, intent.name), intent.uid)
        after = await self._update(
            plan_id, lambda now: Change(progress.cleaned(now, index), [Entry("cleaned up", actor, {"move": index})])
        )
        self._authority.done(actor, Action.CLEAN_UP, decision, "cleaned up", after)
        return after


def _left_by(record: Record, vm_key: str) -> int | None:
    """The move of a plan that has left its pin on this VM."""
    pinned = (index for index, run in enumerate(record.runs) if run.pin and record.plan.moves[index].key == vm_key)
    return next(pinned, None)
