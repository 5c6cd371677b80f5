"""The Slack half of the bot, wired to a real store and the local Slack; only the cluster is a frozen world."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any, cast

import aiohttp
from slack_sdk.web.async_client import AsyncWebClient

from bot.audit import JsonLines
from bot.authority import Authority
from bot.policyfile import Rules
from bot.ports import DUTIES, Message
from bot.sandbox.gallery.facts import survey
from bot.sandbox.slack import SlackSandbox
from bot.sandbox.slack.messages import Message as Seen
from bot.service import Service
from bot.store import SqlLeases, SqlStore, close_engine, open_engine
from bot.throttle import Most, Throttle
from handlers import socket
from handlers.desk import Desk
from handlers.identity import Identity, Installation
from handlers.ids import ActionId, Slot
from handlers.notifier import SlackNotifier
from handlers.register import make_app, register
from handlers.tasks import Tasks
from handlers.webclient import make_client
from k8s import errors as k8s
from k8s.cluster import Cluster, Question
from k8s.fleet import Fleet, Trial
from k8s.names import ANNOTATION_NOTE
from k8s.note import Note
from k8s.snapshots import Admission, Facts, Instance, Json, Node, Ref, Survey, VirtualMachine
from tests.clocks import Numbers, StandingClock
from tests.facts import facts, node
from tests.sandbox_slack.callers import Caller

OPS = "C0OPS000001"
NODES = (node("worker-01"), node("worker-05"), node("worker-06", cordoned=True))


@dataclass
class FrozenCluster:
    """Reads of one VM, `production/web-01`; what the service writes is noted."""

    world: Facts = field(default_factory=facts)
    deleted: list[tuple[Ref, str]] = field(default_factory=list)
    """VMIMs with the uid that was the precondition."""
    patched: list[tuple[Ref, Sequence[Json]]] = field(default_factory=list)
    namesakes: tuple[str, ...] = ()
    """Other namespaces that have a VM of that name."""
    answers: asyncio.Event = field(default_factory=asyncio.Event)
    """Cleared: reads wait, as they do on a slow cluster."""

    def __post_init__(self) -> None:
        self.answers.set()

    async def facts(self, question: Question) -> Facts:
        await self.answers.wait()
        if question.vm != self.world.vm.ref.name:
            raise k8s.NotFound("VirtualMachine", question.vm)
        if self.namesakes and question.namespace is None:
            raise k8s.Ambiguous(question.vm, [Ref(name, question.vm) for name in ("production", *self.namesakes)])
        target = next((found for found in NODES if found.name == question.target), None)
        if question.target and target is None:
            raise k8s.NotFound("Node", question.target)
        return replace(self.world, target=target)

    async def nodes(self) -> tuple[Node, ...]:
        return NODES

    async def vms(self, namespace: str | None) -> tuple[VirtualMachine, ...]:
        return (self.world.vm,) if namespace in (None, self.world.vm.ref.namespace) else ()

    async def instances(self) -> tuple[Instance, ...]:
        return (self.world.vmi,) if self.world.vmi else ()

    async def namespaces(self) -> tuple[str, ...]:
        return ("dev", "production")

    async def survey(self) -> Survey:
        vmis = (self.world.vmi,) if self.world.vmi else ()
        return survey(*NODES, vmis=vmis, whole=True)

    async def vm_names(self, namespace: str | None) -> tuple[Ref, ...]:
        return (self.world.vm.ref,) if namespace in (None, self.world.vm.ref.namespace) else ()

    async def fleet(self, refs: Sequence[Ref]) -> Fleet:
        """The one VM, with the nodes that there are."""
        known = [ref for ref in refs if ref == self.world.vm.ref]
        vmi = self.world.vmi
        return Fleet(
            vms=dict.fromkeys(known, self.world.vm),
            instances={ref: vmi for ref in known if vmi},
            migrations=self.world.migrations,
            claims={claim.ref: claim for claim in self.world.claims},
            volumes={},
            quotas={},
            migrating=(),
            survey=survey(*NODES, vmis=[vmi] if vmi else [], whole=True),
            capabilities=self.world.capabilities,
        )

    async def admissions(self, trials: Sequence[Trial]) -> tuple[Admission, ...]:
        return tuple(Admission(accepted=True) for _ in trials)

    async def delete_migration(self, ref: Ref, uid: str) -> None:
        self.deleted.append((ref, uid))

    def pin(self, plan: str = "p1") -> None:
        """Put a note on the VM as a cold move of that plan leaves it."""
        note = Note(plan, 1, "Always", None, None, "worker-05")
        placement = replace(self.world.vm.placement, affinity=note.pinned())
        vm = replace(self.world.vm, annotations={ANNOTATION_NOTE: note.text()}, placement=placement)
        self.world = replace(self.world, vm=vm)

    async def pinned_vms(self) -> tuple[VirtualMachine, ...]:
        return (self.world.vm,) if ANNOTATION_NOTE in self.world.vm.annotations else ()

    async def vm(self, ref: Ref) -> VirtualMachine | None:
        return self.world.vm if ref == self.world.vm.ref else None

    async def instance(self, ref: Ref) -> Instance | None:
        return self.world.vmi if ref == self.world.vm.ref else None

    async def patch_vm(self, ref: Ref, operations: Sequence[Json]) -> VirtualMachine:
        """The only patch that the service writes takes a pin off."""
        self.patched.append((ref, operations))
        placement = replace(self.world.vm.placement, affinity=None)
        self.world = replace(self.world, vm=replace(self.world.vm, annotations={}, placement=placement))
        return self.world.vm


@dataclass
class NotedRunner:
    """Implements `bot.ports.Runner`; what it is told to carry out is noted."""

    started: list[str] = field(default_factory=list)
    restarted: list[str] = field(default_factory=list)

    def start(self, plan_id: str) -> None:
        self.started.append(plan_id)

    def restart(self, plan_id: str) -> None:
        self.restarted.append(plan_id)


@dataclass(frozen=True)
class SlackClock:
    """The same moment for the local Slack, in seconds."""

    clock: StandingClock

    def now(self) -> float:
        return self.clock.now().timestamp()


@dataclass
class Bot:
    """A running bot, the people around it, and the hands of its clock."""

    slack: Caller
    clock: StandingClock
    store: SqlStore
    leases: SqlLeases
    cluster: FrozenCluster
    service: Service
    desk: Desk
    client: AsyncWebClient
    installation: Installation
    runner: NotedRunner
    rules: Rules

    @property
    def notifier(self) -> SlackNotifier:
        return self.desk.notifier

    async def settle(self) -> None:
        """Wait until all listeners' work is done and everything is sent that may be sent now."""
        await self.desk.tasks.drain()
        await self.notifier.drain()

    async def sweep(self, seconds: float = 0) -> None:
        """Let time pass and do what is due."""
        await self.notifier.sweep(self.clock.advance(seconds))
        await self.settle()

    async def say(self, user: str, text: str, channel: str = "#ops") -> dict[str, Any]:
        said = await self.slack.person("say", user=user, channel=channel, text=text)
        await self.settle()
        return said

    async def heard(self) -> None:
        """Wait until the bot has dealt with every event: Slack does not wait for it, so nobody else does."""
        await self.slack.sandbox.events_delivered()
        for _ in range(50):
            await asyncio.sleep(0)  # the listener has its acknowledgement behind it and begins
        await self.settle()

    async def click(
        self, user: str, action_id: ActionId, slot: str = Slot.CARD, plan: str = "p1", value: str | None = None
    ) -> dict[str, Any]:
        """Press a button of a plan's message, and wait for what comes of it; `value`: what is picked from a menu."""
        clicked = await self.begin_click(user, action_id, slot, plan, value)
        await self.settle()
        return clicked

    async def begin_click(
        self, user: str, action_id: ActionId, slot: str = Slot.CARD, plan: str = "p1", value: str | None = None
    ) -> dict[str, Any]:
        """The same without waiting."""
        message = await self.message(slot, plan)
        return await self.slack.person(
            "click", user=user, channel=message.channel, message_ts=message.ts, action_id=action_id.value, value=value
        )

    async def message(self, slot: str = Slot.CARD, plan: str = "p1") -> Message:
        return (await self.store.messages(plan))[slot]

    async def card(self, slot: str = Slot.CARD, plan: str = "p1") -> str:
        """What stands in a message of the plan, as people see it."""
        known = await self.message(slot, plan)
        found = self.slack.sandbox.workspace.rooms[known.channel].find(known.ts)
        assert found is not None
        return found.text + str(found.blocks)

    def shown(self, channel: str = OPS) -> list[Seen]:
        """All that the app has posted for everybody in a channel, oldest first."""
        room = self.slack.sandbox.workspace.rooms[channel]
        return [message for message in room.messages if not message.is_ephemeral and "bot_id" in message.sender]

    async def click_whisper(self, user: str, action_id: ActionId, number: int = 0, value: str | None = None) -> None:
        """Press a button of the newest message that only this person sees; `number`: which of several such. `value`:
        what is picked from a menu."""
        person = self.slack.sandbox.workspace.person(user)
        room = self.slack.sandbox.workspace.rooms[OPS]
        newest = next(message for message in reversed(room.messages) if message.visible_to == person.id)
        with_it = [block["block_id"] for block in newest.blocks if f"'{action_id}'" in str(block)]
        await self.slack.person(
            "click",
            user=user,
            channel=OPS,
            message_ts=newest.ts,
            action_id=action_id.value,
            block_id=with_it[number],
            value=value,
        )
        await self.settle()

    def whispers(self, user: str, channel: str = OPS) -> list[str]:
        """What only this person was told, oldest first."""
        person = self.slack.sandbox.workspace.person(user)
        room = self.slack.sandbox.workspace.rooms[channel]
        return [message.text for message in room.messages if message.visible_to == person.id]

    def seen(self, user: str, channel: str = OPS) -> list[Seen]:
        """The messages that only this person sees, oldest first."""
        person = self.slack.sandbox.workspace.person(user)
        room = self.slack.sandbox.workspace.rooms[channel]
        return [message for message in room.messages if message.visible_to == person.id]

    def another(self) -> SlackNotifier:
        """The notifier of the next process, on the same store."""
        return SlackNotifier(self.client, self.store, self.clock, self.installation, self.leases)


@asynccontextmanager
async def running() -> AsyncIterator[Bot]:
    """A bot that is connected to its own local Slack."""
    clock = StandingClock()
    sandbox = SlackSandbox(clock=SlackClock(clock), seed=1)
    await sandbox.start()
    engine, _ = await open_engine("sqlite+aiosqlite://")
    http = aiohttp.ClientSession()
    client = make_client(sandbox.bot_token, sandbox.api_url)
    installation = await socket.installation(client)
    leases = SqlLeases(engine, "only")
    await leases.join()
    await leases.take(DUTIES)
    bot = _assemble(clock, SqlStore(engine, clock), leases, client, installation, Caller(sandbox, http))
    app = make_app(client, installation)
    register(app, bot.desk, installation)
    connection = socket.Connection(app, sandbox.app_token)
    await connection.connect()
    try:
        yield bot
    finally:
        bot.cluster.answers.set()
        await bot.settle()
        await connection.close()
        await http.close()
        await close_engine(engine)
        await sandbox.stop()


def _assemble(
    clock: StandingClock,
    store: SqlStore,
    leases: SqlLeases,
    client: AsyncWebClient,
    installation: Installation,
    slack: Caller,
) -> Bot:
    cluster, runner = FrozenCluster(), NotedRunner()
    notifier = SlackNotifier(client, store, clock, installation, leases)
    rules = Rules()
    identity = Identity(client, clock, installation, named=lambda: rules.current.groups)
    service = Service(
        store=store,
        cluster=cast("Cluster", cluster),  # the service reads, deletes and unpins; it never moves, follows or collects
        notifier=notifier,
        clock=clock,
        valid_for=timedelta(minutes=30),
        live_limit=timedelta(minutes=10),
        late_start=timedelta(minutes=15),
        audit_channel="C0SRE000001",
        remind_after=timedelta(hours=24),
        new_id=Numbers(),
        runner=runner,
        authority=Authority(rules, identity, JsonLines("", clock)),
        throttle=Throttle(Most(by_person=100, in_channel=100)),
    )
    desk = Desk(service, notifier, identity, Tasks(), client)
    return Bot(slack, clock, store, leases, cluster, service, desk, client, installation, runner, rules)
