"""The cluster as a server: start it, point a kubeconfig at it, move its clock, stop it."""

import asyncio
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import yaml
from aiohttp import web

from bot.sandbox.cluster.admin import Admin
from bot.sandbox.cluster.clock import Drive
from bot.sandbox.cluster.cluster import begun
from bot.sandbox.cluster.objects import Obj
from bot.sandbox.cluster.rbac import ADMIN, Attributes, Authorizer
from bot.sandbox.cluster.resources import CLUSTER_ROLE, CLUSTER_ROLE_BINDING
from bot.sandbox.cluster.server import ApiServer
from bot.sandbox.cluster.world import World, load_world

HOST = "127.0.0.1"
DEFAULT_SEED = 20261122
STOP_SECONDS = 1.0


class ClusterSandbox:
    """A simulated KubeVirt cluster on loopback.

    ``speed`` is virtual seconds per real second; with 0 time moves only through :meth:`advance`. ``version`` is
    KubeVirt's. ``start_time`` is the virtual moment of opening (seconds since the epoch; default: now). With ``rbac``
    only issued tokens are known and Roles are enforced; with ``hands`` too, who sends no token is an administrator.
    """

    def __init__(
        self,
        *,
        speed: float = 0.0,
        world: World | None = None,
        version: str = "v1.9.0",
        start_time: float | None = None,
        seed: int = DEFAULT_SEED,
        rbac: bool = False,
        hands: bool = False,
    ) -> None:
        start = time.time() if start_time is None else start_time
        self.cluster = begun(world or load_world(), start=start, version=version, seed=seed)
        self.context = self.cluster.context
        self.clock = self.cluster.clock
        self.store = self.cluster.store
        self._authorizer = Authorizer(self.store, enabled=rbac, hands=hands)
        self._drive = Drive(self.clock, speed)
        self._server = ApiServer(self.context, self._drive, self._authorizer)
        self._runner: web.AppRunner | None = None
        self._port = 0

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self._port}"

    @property
    def activity(self) -> tuple[int, int]:
        """Requests and changes so far; equal twice in a row: the cluster is at rest, and nobody asks it anything."""
        return self._server.requests.seen, self.store.version

    @property
    def speed(self) -> float:
        return self._drive.speed

    @speed.setter
    def speed(self, value: float) -> None:
        self._drive.speed = value

    async def start(self, port: int = 0) -> None:
        """Serve on loopback; port 0 takes a free one. On return the API answers."""
        app = web.Application(client_max_size=8 * 2**20)
        Admin(self.context, self._drive, self._server).add_routes(app)
        app.router.add_route("*", "/{path:.*}", self._server.handle)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=STOP_SECONDS)
        await self._runner.setup()
        site = web.TCPSite(self._runner, HOST, port)
        await site.start()
        self._port = self._runner.addresses[0][1]
        self._drive.start()

    async def stop(self) -> None:
        await self._drive.stop()
        self._server.end_watches()
        if self._runner:
            await self._runner.cleanup()

    async def advance(self, seconds: float) -> None:
        """Let ``seconds`` of virtual time pass now; every reaction that falls due happens, in order."""
        await self._drive.skip(seconds)
        for _ in range(3):
            await asyncio.sleep(0)

    def wanted(self, user: str, *, allowed: bool) -> frozenset[Attributes]:
        """The rights that a user has used, or asked for in vain; names and namespaces apart."""
        return self._authorizer.wanted(user, allowed=allowed)

    def grant(self, user: str, roles: Iterable[Obj]) -> None:
        """Give a service account cluster roles, in all namespaces."""
        _, _, namespace, name = user.split(":")
        for role in roles:
            self.store.create(CLUSTER_ROLE, role)
            reference = {"apiGroup": CLUSTER_ROLE.group, "kind": "ClusterRole", "name": role["metadata"]["name"]}
            subject = {"kind": "ServiceAccount", "namespace": namespace, "name": name}
            binding = {"metadata": {"name": role["metadata"]["name"]}, "roleRef": reference, "subjects": [subject]}
            self.store.create(CLUSTER_ROLE_BINDING, binding)

    def kubeconfig(self, user: str = ADMIN, namespace: str = "default") -> Obj:
        """A kubeconfig for that user, such as ``system:serviceaccount:ns:name``; a fresh token each time."""
        token = self._authorizer.issue_token(user)
        context = {"cluster": "sandbox", "user": user, "namespace": namespace}
        return {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "sandbox", "cluster": {"server": self.url}}],
            "users": [{"name": user, "user": {"token": token}}],
            "contexts": [{"name": "sandbox", "context": context}],
            "current-context": "sandbox",
        }

    def write_kubeconfig(self, path: Path | str, user: str = ADMIN) -> None:
        """Write the kubeconfig so that a reader never sees half of it."""
        target = Path(path)
        draft = target.with_name(f".{target.name}.draft")
        draft.touch(mode=0o600)
        draft.write_text(yaml.safe_dump(self.kubeconfig(user)))
        draft.replace(target)


async def serve(
    port: int, kubeconfig: Path | str, speed: float, announce: Callable[[str], None], *, rbac: bool = False
) -> None:
    """Run until cancelled. The kubeconfig is written, and ``announce`` called once, when the API answers.

    With ``rbac`` who sends no token is still an administrator: kubectl sends none over plain http.
    """
    sandbox = ClusterSandbox(speed=speed, rbac=rbac, hands=rbac)
    await sandbox.start(port)
    try:
        sandbox.write_kubeconfig(kubeconfig)
        announce(f"cluster ready on {sandbox.url}, kubeconfig {kubeconfig}")
        await asyncio.Event().wait()
    finally:
        await sandbox.stop()
