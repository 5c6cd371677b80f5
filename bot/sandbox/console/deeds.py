"""What the console's buttons do: faults of the cluster, of Slack and of the bot, and the cluster's time."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import aiohttp

from bot.sandbox.stage import BotDidNotStart, Stage

Json = dict[str, Any]

FOREVER = 10**9
"""Seconds for an outage that lasts until it is ended."""
SPEEDS = (0, 1, 10, 60)
SPARE = 256 * 2**20
"""Bytes of memory that stay free on a node that is filled: too little for any VM."""
FILLER = "filler"


class DidNotWork(Exception):
    """A deed that the sandbox refused; the message says why."""


class Deeds:
    """The deeds by name; each takes the request's JSON object."""

    def __init__(self, stage: Stage, session: Callable[[], aiohttp.ClientSession]) -> None:
        self._stage = stage
        self._session = session
        self.slack_down = False
        self.table: Mapping[str, Callable[[Json], Awaitable[None]]] = {
            "cordon": self._cordon,
            "fill": self._fill,
            "fail_next": self._fail_next,
            "api": self._api,
            "slack": self._slack,
            "bot": self._bot,
            "speed": self._speed,
        }

    async def cluster(self) -> Json:
        """The cluster's own view of itself; nodes say whether they were filled by hand."""
        state = await self._call("GET", "/sandbox/state")
        for node in state["nodes"]:
            node["filled"] = f"default/{FILLER}-{node['name']}" in node["others"]
        return state

    async def _cordon(self, body: Json) -> None:
        """{node, on}"""
        await self._call("PATCH", f"/api/v1/nodes/{body['node']}", {"spec": {"unschedulable": bool(body["on"])}})

    async def _fill(self, body: Json) -> None:
        """{node, on}: a pod takes what memory the node has left."""
        name, pods = f"{FILLER}-{body['node']}", "/api/v1/namespaces/default/pods"
        if not body["on"]:
            await self._call("DELETE", f"{pods}/{name}", {"gracePeriodSeconds": 0})
            return
        state = await self._call("GET", "/sandbox/state")
        node = next(each for each in state["nodes"] if each["name"] == body["node"])
        left = int(node["memory"]["room"] - node["memory"]["used"]) - SPARE
        if left <= 0:
            raise DidNotWork(f"{body['node']} is full already.")
        container = {"name": FILLER, "image": "pause", "resources": {"requests": {"memory": str(left)}}}
        metadata = {"name": name, "namespace": "default", "labels": {"app": FILLER}}
        await self._call(
            "POST", pods, {"metadata": metadata, "spec": {"nodeName": node["name"], "containers": [container]}}
        )

    async def _fail_next(self, body: Json) -> None:
        """{on}"""
        await self._call("POST", "/sandbox/faults", {"failNext": bool(body["on"])})

    async def _api(self, body: Json) -> None:
        """{down}"""
        await self._call("POST", "/sandbox/faults", {"downSeconds": FOREVER if body["down"] else 0})

    async def _slack(self, body: Json) -> None:
        """{down}: the app is cut off and cannot come back; people can still read and type."""
        self.slack_down = bool(body["down"])
        down = {"drop_sockets": True, "refuse_sockets": True, "api_down": FOREVER}
        await self._post(f"{self._stage.slack.url}/sandbox/faults", down if self.slack_down else {"clear": True})

    async def _bot(self, body: Json) -> None:
        """{do: kill | start}"""
        if body["do"] == "kill":
            await self._stage.kill_bot()
            return
        try:
            await self._stage.start_bot()
        except BotDidNotStart as failed:
            raise DidNotWork(f"The bot did not start: {failed}") from failed

    async def _speed(self, body: Json) -> None:
        """{factor}: how fast the cluster's time passes; 0 stands still."""
        if body["factor"] not in SPEEDS:
            raise DidNotWork(f"The speed is one of {', '.join(map(str, SPEEDS))}.")
        await self._call("POST", "/sandbox/clock", {"speed": body["factor"]})

    async def _call(self, verb: str, path: str, body: Json | None = None) -> Json:
        kind = "application/merge-patch+json" if verb == "PATCH" else "application/json"
        headers = {"Content-Type": kind, "Accept": "application/json, */*"}
        url = f"{self._stage.cluster.url}{path}"
        try:
            async with self._session().request(verb, url, json=body, headers=headers) as answer:
                said: Json = await answer.json(content_type=None) or {}
        except aiohttp.ClientError as silent:
            raise DidNotWork("The cluster's API server does not answer.") from silent
        if answer.status >= 400 and verb != "GET":
            raise DidNotWork(str(said.get("message") or said.get("error") or answer.status))
        return said

    async def _post(self, url: str, body: Json) -> None:
        async with self._session().post(url, json=body) as answer:
            said: Json = await answer.json()
        if not said["ok"]:
            raise DidNotWork(str(said.get("detail") or said["error"]))
