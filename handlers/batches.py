"""Clicks on the messages of a batch; each one call of the service, as in `handlers.actions`."""

from bot.plan import Consent
from bot.request import MoveType
from handlers.actions import Act, Actions, place_of
from handlers.payloads import Click
from handlers.values import HoldRef, HomeRef, MoveRef, PlanRef


class Batches(Actions):
    """What the buttons of a batch do."""

    def accept(self, consent: Consent) -> Act:
        """Take on what a batch costs."""

        async def act(click: Click) -> None:
            ref = PlanRef.load(click.value)
            await self._desk.service.accept(ref.plan, ref.revision, consent, await self._prove(click, ref))

        return act

    def stage(self, *, staged: bool) -> Act:
        """The same batch with groups, or without."""

        async def act(click: Click) -> None:
            ref = PlanRef.load(click.value)
            actor = await self._prove(click, ref)
            await self._desk.service.stage(ref.plan, ref.revision, actor, staged=staged)

        return act

    async def pause(self, click: Click) -> None:
        """Let no further move begin."""
        ref = PlanRef.load(click.value)
        await self._desk.service.pause(ref.plan, await self._prove(click, ref))

    async def stop(self, click: Click) -> None:
        """Let no further move begin, for good."""
        ref = PlanRef.load(click.value)
        await self._desk.service.stop(ref.plan, await self._prove(click, ref))

    async def go_on(self, click: Click) -> None:
        """End a pause."""
        ref = HoldRef.load(click.value)
        await self._desk.service.go_on(ref.plan, ref.hold, await self._prove(click, ref))

    async def skip(self, click: Click) -> None:
        """End a pause without the VM that it is about."""
        ref = HoldRef.load(click.value)
        await self._desk.service.skip(ref.plan, ref.hold, await self._prove(click, ref))

    def retry(self, type_: MoveType | None) -> Act:
        """A plan of its own for one VM of the batch."""

        async def act(click: Click) -> None:
            ref = MoveRef.load(click.value)
            actor = await self._prove(click, ref)
            await self._desk.show_first(
                await self._desk.service.retry(ref.plan, ref.move, type_, actor, place_of(click))
            )

        return act

    async def move_all_back(self, click: Click) -> None:
        """A plan that takes all of them back."""
        ref = PlanRef.load(click.value)
        actor = await self._prove(click, ref)
        await self._desk.show_first(await self._desk.service.move_all_back(ref.plan, actor, place_of(click)))

    async def bring_back(self, click: Click) -> None:
        """A plan that fills an evacuated node again."""
        node = HomeRef.load(click.value).node
        await self._desk.show_first(
            await self._desk.service.bring_back(node, await self._actor(click), place_of(click))
        )

    async def unpin_all(self, click: Click) -> None:
        """Remove every pin that the batch has left."""
        ref = PlanRef.load(click.value)
        await self._desk.service.remove_all_pins(ref.plan, await self._prove(click, ref))
