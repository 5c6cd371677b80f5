"""Plays a story: does each step as a person would, and looks until it sees what is expected.

Everything goes over the wire: the people's side of the sandbox's Slack, the cluster's own API, the bot's process. The
player knows nothing of the bot but what stands on the screen.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import aiohttp

from bot.sandbox.play.script import Click, Expect, Request, Say, Step, Story, Submit, Vm
from bot.sandbox.play.transcript import buttons_of, fields_of, option_named, text_of
from bot.sandbox.stage import Stage

Json = dict[str, Any]
T = TypeVar("T")

POLICY_FILE = "policy.yaml"
"""Name of a story's policy file."""

LOOK_EVERY = 0.05
"""Real seconds between two looks at a screen."""


PATIENCE = 1800.0
"""Real seconds for which a drill waits for somebody who practises."""

QUIET = 10.0
"""Real seconds before somebody who practises is told what is there instead of what should be."""

_BY_HAND = frozenset({"say", "click", "submit"})


class ExpectationFailed(Exception):
    """A step did not turn out as the story says."""


async def play(story: Story, folder: Path, print_line: Callable[[str], None], *, http_mode: bool = False) -> None:
    """Play a story on a fresh stage. Raises ExpectationFailed."""
    print_line(f"# {story.story}")
    if story.learn:
        print_line(f"# To learn: {story.learn}")
    async with (
        Stage(
            folder, speed=story.speed, settings=_settings(story, folder), print_line=print_line, http_mode=http_mode
        ) as stage,
        aiohttp.ClientSession() as http,
    ):
        await stage.start_bot()
        await _Player(Rehearsing(stage, http, folder), print_line).play(story)
        if stage.denied:
            raise ExpectationFailed(f"the cluster did not let the bot {', '.join(stage.denied)}")


async def rehearse(story: Story, on: "Rehearsing") -> None:
    """Play a story on a stage that runs already, with a fresh cluster and bot. Raises ExpectationFailed."""
    await on.stage.renew(_settings(story, on.folder), speed=story.speed)
    await _Player(on, lambda _: None, since=on.stage.slack.workspace.new_ts()).play(story)


def _settings(story: Story, folder: Path) -> dict[str, str]:
    """The bot's settings, with the file of the story's policy."""
    if story.policy is None:
        return dict(story.settings)
    (folder / POLICY_FILE).write_text(story.policy)
    return {**story.settings, "VM_MIGRATE_POLICY_FILE": str(folder / POLICY_FILE)}


@dataclass(frozen=True)
class Rehearsing:
    """Where and how a story is played. `by_hand`: people do what people do, and it only watches."""

    stage: Stage
    http: aiohttp.ClientSession
    folder: Path
    by_hand: bool = False
    advance: Callable[[int], None] = lambda _: None
    """Told how many steps are done."""
    so_far: Callable[[str], None] = lambda _: None
    """Told by hand what is there instead, when a step waits for long: perhaps it was done otherwise."""


class _Player:
    def __init__(self, on: Rehearsing, print_line: Callable[[str], None], *, since: str = "") -> None:
        self._folder = on.folder
        self._stage = on.stage
        self._http = on.http
        self._by_hand = on.by_hand
        self._advance = on.advance
        self._so_far = on.so_far
        self._print = print_line
        self._since = since
        self._named: dict[str, tuple[str, str]] = {}

    async def play(self, story: Story) -> None:
        for number, step in enumerate(story.steps, start=1):
            try:
                await self._do(step)
            except ExpectationFailed as failed:
                raise ExpectationFailed(f"step {number}: {failed}") from failed
            self._advance(number)

    async def _do(self, step: Step) -> None:
        name = next(iter(step.model_fields_set))
        if self._by_hand and name in _BY_HAND:
            return
        doing: dict[str, Callable[[Any], Awaitable[None]]] = {
            "say": self._say,
            "expect": self._expect,
            "click": self._click,
            "submit": self._submit,
            "vm": self._vm,
            "api": self._api,
            "bot": self._bot,
            "slack": self._slack_faults,
            "cluster": self._cluster_faults,
            "clock": self._clock,
            "policy": self._policy,
            "wait": asyncio.sleep,
            "tell": self._tell,
        }
        await doing[name](getattr(step, name))

    async def _tell(self, text: str) -> None:
        self._print(f"-- {text}")

    async def _say(self, say: Say) -> None:
        self._print(f"{say.who} in {say.channel}: {say.text}")
        body: Json = {"user": say.who, "channel": say.channel, "text": say.text}
        if say.thread:
            body["thread_ts"] = self._message(say.thread)[1]
        answer = await self._slack("say", body, may_fail=True)
        if answer.get("error") != say.fails:
            raise ExpectationFailed(f"Slack answered {answer.get('error') or 'ok'}, not {say.fails or 'ok'}")

    async def _expect(self, expect: Expect) -> None:
        thread = self._message(expect.thread)[1] if expect.thread else None

        async def look() -> Json | None:
            state = await self._screen(expect.who)
            found = [message for message in self._messages(state, expect.channel, thread) if _fits(message, expect)]
            if expect.times is not None and len(found) != expect.times:
                return None
            return {"message": found[-1] if found else None} if found or expect.times == 0 else None

        found = await self._until(
            look,
            expect.within,
            lambda: self._what_is_there(expect, thread),
            lambda: self._nearest(expect, thread),
        )
        if message := found["message"]:
            self._print(f"{expect.who} sees{_marks(message)}:")
            self._print("\n".join(f"    {line}" for line in text_of(message).splitlines()))
            if expect.name:
                self._named[expect.name] = message["channel"], message["ts"]

    async def _click(self, click: Click) -> None:
        channel, ts = self._message(click.message)
        state = await self._screen(click.who)
        rooms = state["messages"].get(channel, [])
        message = next((message for message in rooms if message["ts"] == ts), None)
        button = buttons_of(message).get(click.button) if message else None
        if button is None:
            seen = ", ".join(buttons_of(message)) if message else "no such message"
            raise ExpectationFailed(f"{click.who} finds no button {click.button!r} there, but: {seen}")
        self._print(f"{click.who} presses {click.button}{' twice' if click.double else ''}")
        body = {"user": click.who, "channel": channel, "message_ts": ts, "action_id": button["action_id"]}
        await self._slack("click", body | {"double": click.double})

    async def _submit(self, submit: Submit) -> None:
        async def look() -> Json | None:
            views = (await self._screen(submit.who))["views"]
            ready = bool(views) and (submit.close or set(submit.values) <= set(fields_of(views[-1])))
            return views[-1] if ready else None

        view = await self._until(look, 10, lambda: _nothing(f"{submit.who} has no modal with those fields open"))
        fields = fields_of(view)
        values = {
            fields[label]["block_id"]: option_named(fields[label]["element"], value)
            for label, value in submit.values.items()
        }
        self._print(f"{submit.who} {'closes the modal' if submit.close else f'submits {submit.values}'}")
        action = "close" if submit.close else "submit"
        answer = await self._slack(
            "view", {"user": submit.who, "view_id": view["id"], "action": action, "values": values}
        )
        errors = (answer.get("answer") or {}).get("errors") or {}
        said = " ".join(errors.values())
        if bool(errors) is not bool(submit.error) or (submit.error or "") not in said:
            raise ExpectationFailed(f"the modal answered {said or 'nothing'}")

    async def _vm(self, vm: Vm) -> None:
        namespace, name = vm.name.split("/")
        base = f"/apis/kubevirt.io/v1/namespaces/{namespace}"
        seen: list[str] = []

        async def look() -> Json | None:
            vmi = await self._cluster_call("GET", f"{base}/virtualmachineinstances/{name}", None)
            vmims = await self._cluster_call("GET", f"{base}/virtualmachineinstancemigrations", None)
            mine = [item for item in vmims["items"] if item["spec"]["vmiName"] == name]
            status = vmi.get("status", {}) if vmi.get("kind") == "VirtualMachineInstance" else {}
            seen[:] = [f"on {status.get('nodeName')} ({status.get('phase')}), migrations: {len(mine)}"]
            there = status.get("nodeName") == vm.node and status.get("phase") == "Running"
            return status if there and vm.migrations in (None, len(mine)) else None

        await self._until(look, vm.within, lambda: _nothing(f"{vm.name} is {seen[0]}"))
        self._print(f"cluster: {vm.name} runs {seen[0]}")

    async def _api(self, request: Request) -> None:
        self._print(f"cluster: {request.verb} {request.path}")
        await self._cluster_call(request.verb, request.path, request.body)

    async def _bot(self, what: str) -> None:
        self._print(f"bot: {what}")
        if what in ("kill", "restart"):
            await self._stage.kill_bot()
        if what == "stop":
            await self._stage.stop_bot()
        if what in ("start", "restart"):
            await self._stage.start_bot()

    async def _slack_faults(self, faults: Json) -> None:
        self._print(f"slack: {faults}")
        await self._slack("faults", faults)

    async def _cluster_faults(self, faults: Json) -> None:
        self._print(f"cluster: {faults}")
        await self._cluster_call("POST", "/sandbox/faults", faults)

    async def _policy(self, text: str) -> None:
        self._print("policy: a new file")
        await asyncio.to_thread((self._folder / POLICY_FILE).write_text, text)

    async def _clock(self, change: Json) -> None:
        self._print(f"cluster's clock: {change}")
        await self._cluster_call("POST", "/sandbox/clock", change)

    async def _screen(self, who: str) -> Json:
        async with self._http.get(f"{self._stage.slack.url}/sandbox/state", params={"user": who}) as answer:
            state: Json = await answer.json()
            return state

    async def _slack(self, deed: str, body: Json, *, may_fail: bool = False) -> Json:
        async with self._http.post(f"{self._stage.slack.url}/sandbox/{deed}", json=body) as answer:
            said: Json = await answer.json()
        if not said["ok"] and not may_fail:
            raise ExpectationFailed(f"Slack answered {said['error']} to {deed}")
        return said

    async def _cluster_call(self, verb: str, path: str, body: Json | None) -> Json:
        kind = "application/merge-patch+json" if verb == "PATCH" else "application/json"
        headers = {"Content-Type": kind, "Accept": "application/json, */*"}
        async with self._http.request(verb, f"{self._stage.cluster.url}{path}", json=body, headers=headers) as answer:
            said: Json = await answer.json(content_type=None) or {}
        return said

    def _message(self, name: str) -> tuple[str, str]:
        """Channel and ts of the message that an `expect` gave this name."""
        if name not in self._named:
            raise ExpectationFailed(f"no message was named {name!r} before")
        return self._named[name]

    def _messages(self, state: Json, channel: str, thread: str | None) -> list[Json]:
        rooms = [room["id"] for room in state["channels"] if channel in (room["id"], f"#{room['name']}")]
        messages: list[Json] = [message for room in rooms for message in state["messages"][room]]
        return [message for message in messages if message["ts"] > self._since and _is_in(message, thread)]

    async def _what_is_there(self, expect: Expect, thread: str | None) -> str:
        messages = self._messages(await self._screen(expect.who), expect.channel, thread)
        there = "\n---\n".join(text_of(message) for message in messages[-4:])
        return f"{expect.who} does not see {list(expect.text)} (times: {expect.times}) but:\n{there}"

    async def _nearest(self, expect: Expect, thread: str | None) -> str:
        messages = self._messages(await self._screen(expect.who), expect.channel, thread)
        found = nearest(expect, [text_of(message) for message in messages])
        return f"{expect.who} sees {found}" if found else ""

    async def _until(
        self,
        look: Callable[[], Awaitable[T | None]],
        within: float,
        otherwise: Callable[[], Awaitable[str]],
        instead: Callable[[], Awaitable[str]] | None = None,
    ) -> T:
        clock = asyncio.get_running_loop().time
        begun = clock()
        patience = max(within, PATIENCE) if self._by_hand else within
        while (found := await look()) is None:
            if clock() > begun + patience:
                raise ExpectationFailed(await otherwise())
            if self._by_hand and clock() > begun + QUIET:
                self._so_far(await (instead or otherwise)())
            await asyncio.sleep(LOOK_EVERY)
        self._so_far("")
        return found


def _is_in(message: Json, thread: str | None) -> bool:
    """Whether it is a reply in that thread; without one, whether it stands in the channel itself."""
    root = message.get("thread_ts", message["ts"])
    return bool(message["ts"] == root) if thread is None else bool(message["ts"] != root == thread)


def _fits(message: Json, expect: Expect) -> bool:
    text = text_of(message)
    return all(part in text for part in expect.text) and not any(part in text for part in expect.without)


def nearest(expect: Expect, texts: list[str]) -> str:
    """The message that comes closest to what is expected, by its first line, and what is wrong with it; the newest of
    those that are equally close, and empty where there is none at all."""
    close = max(reversed(texts), key=lambda text: sum(part in text for part in expect.text), default="")
    if not close:
        return ""
    lacks = [part for part in expect.text if part not in close]
    has = [part for part in expect.without if part in close]
    wrong = [f"lacks {', '.join(lacks)}"] * bool(lacks) + [f"still has {', '.join(has)}"] * bool(has)
    return f"“{close.splitlines()[0].strip('= ')}”, which {' and '.join(wrong) or 'is there too often'}"


def _marks(message: Json) -> str:
    return " (only they)" if message.get("is_ephemeral") else " (edited)" if message.get("edited") else ""


async def _nothing(words: str) -> str:
    return words
