"""`vm-migrate-bot check`: everything that the bot needs, one line each, with what to do where something is missing.

Each part is looked at even when others fail, since whoever installs the bot wants the whole list at once. Nothing in
Slack or in the cluster is changed; the store is opened as `run` opens it, and written to.
"""

import asyncio
import re
from collections.abc import AsyncIterator
from enum import StrEnum
from typing import Final, NamedTuple

from bot import errors, policycheck, policyfile, wiring
from bot.policyfile import BadPolicy
from bot.ports import StoreAway
from bot.settings import Settings
from bot.store import DatabaseInUse
from bot.wiring import CannotStart, SystemClock
from handlers import scopes
from handlers.groups import Groups
from handlers.socket import SlackRefused, installation, prove_app_token, prove_place
from handlers.webclient import make_client
from k8s import names, rights
from k8s.client import KubeCluster
from k8s.errors import ClusterError
from k8s.platform import Platform
from k8s.rights import Right
from k8s.snapshots import Capabilities

CLUSTER_SCOPED: Final = ("nodes", "namespaces", "persistentvolumes", names.KUBEVIRTS, "customresourcedefinitions")
"""Resources that belong to no namespace, or (KubeVirt's own) to one that nobody knows beforehand."""

LOST: Final = {
    Right("list", "", "namespaces"): "a mistyped namespace is not answered with the nearest names",
    Right("create", "", "events"): "nothing on a VM says who had it moved",
}
"""What is lost without an optional right; of the others: answers are less precise."""

ROLES: Final = "apply manifests/ again ({cli} apply -k), or add it to the ClusterRole"

DEPLOYED: Final = "Deployed"
"""Phase of a KubeVirt whose operator is done."""

OLDEST_KUBERNETES: Final = (1, 25)
"""From it on the server checks fields when it is asked to (`fieldValidation`, beta in 1.25)."""


class Gate(NamedTuple):
    """A feature gate of KubeVirt that the bot's work needs."""

    name: str
    until: tuple[int, int]
    """From this version on it is always on (pkg/virt-config/featuregate/inactive.go)."""
    lost: str


GATES: Final = (
    Gate("LiveMigration", (0, 56), "no VM moves live"),
    Gate("VMLiveUpdateFeatures", (1, 5), "changes reach a running VM only with its next restart"),
)


class Verdict(StrEnum):
    """How it stands."""

    OK = "ok"
    WARN = "warn"
    """The bot works, with less."""
    FAIL = "FAIL"


class Line(NamedTuple):
    """One thing that was looked at."""

    name: str
    verdict: Verdict
    words: str

    def __str__(self) -> str:
        return f"{self.verdict.value:<4} {self.name}: {self.words}"


async def checkup(settings: Settings) -> AsyncIterator[Line]:
    """Look at everything, in the order in which one installs it."""
    for part in (_slack, _way_in, _policy, _store, _cluster):
        async for line in part(settings):
            yield line


def _judged(name: str, holds: bool, words: str) -> Line:  # noqa: FBT001
    return Line(name, Verdict.OK if holds else Verdict.FAIL, words)


async def _slack(settings: Settings) -> AsyncIterator[Line]:
    try:
        client = make_client(wiring.secret("SLACK_BOT_TOKEN", settings.slack_bot_token), settings.slack_api_url)
        installed = await installation(client)
    except (ValueError, SlackRefused, CannotStart) as refused:
        yield Line("Slack", Verdict.FAIL, f"{refused}: the bot token is under OAuth & Permissions of your Slack app")
        return
    yield Line("Slack", Verdict.OK, f"installed in workspace {installed.team}")
    missing = scopes.missing(installed.scopes)
    for scope, purpose in scopes.NEEDED.items():
        way_on = f"missing, for {purpose}: add it under OAuth & Permissions and install the app again"
        yield _judged(f"scope {scope}", scope not in missing, way_on if scope in missing else "granted")
    if settings.audit_channel:
        try:
            await prove_place(client, settings.audit_channel)
        except SlackRefused as refused:
            way_on = "incidents are not told there; invite the bot, or name another in VM_MIGRATE_AUDIT_CHANNEL"
            yield Line("audit channel", Verdict.FAIL, f"{refused}: {way_on}")
        else:
            yield Line("audit channel", Verdict.OK, f"the bot is in {settings.audit_channel}")


async def _way_in(settings: Settings) -> AsyncIterator[Line]:
    """How clicks and commands arrive. A signing secret cannot be tried: only Slack could."""
    try:
        app_token, _ = wiring.proof_of_origin(settings)
        if settings.slack_listen:
            yield Line("HTTP mode", Verdict.OK, f"signed requests are taken on {settings.slack_listen}")
            return
        await prove_app_token(make_client("", settings.slack_api_url), app_token)
    except CannotStart as missing:
        yield Line("way in", Verdict.FAIL, f"{missing}: it is under Basic Information of your Slack app")
    except (ValueError, SlackRefused) as refused:
        way_on = "make an app-level token with connections:write under Basic Information"
        yield Line("Socket Mode", Verdict.FAIL, f"{refused}: {way_on}")
    else:
        yield Line("Socket Mode", Verdict.OK, "Slack gives a connection for SLACK_APP_TOKEN")


async def _policy(settings: Settings) -> AsyncIterator[Line]:
    """Each rule with the people who could approve by it."""
    if settings.policy_file is None:
        yield Line("policy", Verdict.OK, policycheck.NO_FILE)
        return
    try:
        rules = policyfile.load(settings.policy_file)
        token = wiring.secret("SLACK_BOT_TOKEN", settings.slack_bot_token)
        groups = Groups(make_client(token, settings.slack_api_url), SystemClock())
    except (BadPolicy, CannotStart, ValueError) as bad:
        yield Line("policy", Verdict.FAIL, f"docs/policy.md says what may stand in it; {bad}")
        return
    for rule in rules.rules:
        yield _judged(f"rule “{rule.name}”", *await policycheck.approvable(rule, groups.known))


async def _store(settings: Settings) -> AsyncIterator[Line]:
    try:
        async with wiring.opened_store(settings, SystemClock()) as (opened, _):
            await opened.prove_writable()
    except CannotStart as reason:
        if isinstance(reason.__cause__, DatabaseInUse):
            yield Line("store", Verdict.OK, f"{reason}, which has it open")
        else:
            yield Line("store", Verdict.FAIL, f"{reason}: name a file in a folder that can be written")
    except StoreAway as away:
        yield Line("store", Verdict.FAIL, f"cannot be written ({away}): is it there, not full, and not read-only?")
    else:
        yield Line("store", Verdict.OK, "can be opened and written")


async def _cluster(settings: Settings) -> AsyncIterator[Line]:
    try:
        async with wiring.cluster(settings) as kube:
            where, can = await kube.platform(), await kube.capabilities()
            for line in (kubernetes_line(where), *health_lines(where), *_kubevirt(can), *gate_lines(where, can)):
                yield line
            for granted in _granted(kube, settings.namespace_names, where.cli):
                yield await granted
    except ClusterError as error:
        said = errors.from_cluster(error)
        yield Line("cluster", Verdict.FAIL, f"{said.what} {said.remedy}")


def kubernetes_line(where: Platform) -> Line:
    """Which cluster it is, and whether it is new enough to be trusted with what it does not know."""
    kind = "OpenShift, on Kubernetes" if where.openshift else "Kubernetes"
    release = _release(where.kubernetes_version)
    if release >= OLDEST_KUBERNETES:
        return Line("cluster", Verdict.OK, f"{kind} {where.kubernetes_version}")
    oldest = ".".join(map(str, OLDEST_KUBERNETES))
    words = f"{kind} {where.kubernetes_version}: older than {oldest} does not check fields strictly; upgrade it"
    return Line("cluster", Verdict.WARN, words)


def health_lines(where: Platform) -> list[Line]:
    """Whether KubeVirt itself is well: what is half installed moves nothing."""
    if where.kubevirt is None:
        words = f"no KubeVirt resource can be read: is KubeVirt installed? {where.cli} get kubevirts -A"
        return [Line("KubeVirt's health", Verdict.WARN, words)]
    health, look = where.kubevirt, f"{where.cli} describe kubevirts -A"
    if health.phase != DEPLOYED:
        words = f"phase {health.phase or 'not known'}, not {DEPLOYED}: wait for its operator, or see what holds it"
        return [Line("KubeVirt's health", Verdict.FAIL, f"{words}: {look}")]
    if health.ailing:
        return [Line("KubeVirt's health", Verdict.WARN, f"{'; '.join(health.ailing)}. See why: {look}")]
    return [Line("KubeVirt's health", Verdict.OK, f"{DEPLOYED}, all components are ready")]


def gate_lines(where: Platform, can: Capabilities) -> list[Line]:
    """Feature gates that this version still needs for what the bot does; newer ones need none."""
    if where.kubevirt is None:
        return []
    release, given = _release(can.kubevirt_version), where.kubevirt.feature_gates
    needed = [gate for gate in GATES if release < gate.until]
    if not needed:
        return [Line("feature gates", Verdict.OK, "this KubeVirt needs none for moves")]
    lines = []
    for gate in needed:
        add = f"missing, so {gate.lost}: add it to developerConfiguration.featureGates ({where.cli} edit kubevirts)"
        verdict, words = (Verdict.OK, "on") if gate.name in given else (Verdict.WARN, add)
        lines.append(Line(f"feature gate {gate.name}", verdict, words))
    return lines


def _release(version: str) -> tuple[int, int]:
    """(0, 0) for what is no version."""
    found = re.match(r"v?(\d+)\.(\d+)", version)
    return (int(found[1]), int(found[2])) if found else (0, 0)


def _kubevirt(can: Capabilities) -> list[Line]:
    version = can.kubevirt_version
    if can.added_node_selector:
        named = Line("KubeVirt", Verdict.OK, f"{version}: live moves to a named node work")
    elif can.rollout_strategy == "LiveUpdate":
        words = f"{version} cannot be told a live move's node (1.6 can): the VM is pinned for as long as the move takes"
        named = Line("KubeVirt", Verdict.WARN, words)
    else:
        named = Line(
            "KubeVirt",
            Verdict.FAIL,
            f"{version} cannot move a VM live to a named node (addedNodeSelector came with 1.6): upgrade KubeVirt, or "
            "set vmRolloutStrategy to LiveUpdate; until then only cold moves and live moves without a target work",
        )
    if can.rollout_strategy == "LiveUpdate":
        return [named, Line("rollout strategy", Verdict.OK, "LiveUpdate: a pin that is removed is off at once")]
    staged = "Stage: a pin that is removed stays on a running VM until its next restart; vmRolloutStrategy changes that"
    return [named, Line("rollout strategy", Verdict.WARN, staged)]


def _granted(kube: KubeCluster, namespaces: tuple[str, ...], cli: str) -> list["asyncio.Task[Line]"]:
    """Ask for all rights side by side."""
    asked = [
        (right, namespace, right in rights.OPTIONAL)
        for right in (*rights.NEEDED, *rights.NEEDED_COLD, *rights.OPTIONAL)
        for namespace in ((), namespaces)[right.resource not in CLUSTER_SCOPED] or ("",)
    ]
    return [asyncio.create_task(_grant(kube, cli, *each)) for each in asked]


async def _grant(kube: KubeCluster, cli: str, right: Right, namespace: str, optional: bool) -> Line:  # noqa: FBT001
    resource = f"{right.resource}.{right.group}".rstrip(".") + f"/{right.subresource}".rstrip("/")
    name = f"right to {right.verb} {resource}" + (f" in {namespace}" if namespace else "")
    if await kube.access(*right, namespace=namespace):
        return Line(name, Verdict.OK, "granted")
    if optional:
        lost = LOST.get(right, "answers are less precise")
        return Line(name, Verdict.WARN, f"missing; without it {lost}: {ROLES.format(cli=cli)}")
    return Line(name, Verdict.FAIL, f"missing in the cluster: {ROLES.format(cli=cli)}")
