"""The command line: `vm-migrate-bot run | check | plan TEXT | sandbox ...`.

No logic lives here: arguments in, exit code out. Exit codes: 0 done or feasible, 1 it failed, 2 bad request, bad
usage or unknown name, 3 the plan is blocked, 4 the cluster cannot be reached. The sandbox is imported only when asked
for.
"""

import argparse
import asyncio
import logging
import sys
import tempfile
from collections.abc import Coroutine, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from bot import describe, errors, grammar, logs, request, wiring
from bot.checkup import Verdict, checkup
from bot.errors import BotError
from bot.judge import judge_any, spoken
from bot.settings import Settings, env_name
from k8s import errors as k8s

FEASIBLE, FAILED, BAD_REQUEST, BLOCKED, UNREACHABLE = 0, 1, 2, 3, 4


class _BadUsage(Exception):
    """What was given cannot be read; one line for each thing that is wrong, never with a value."""


def main(argv: Sequence[str] | None = None) -> None:
    """Run a command and exit with its code."""
    arguments = _parser().parse_args(argv)
    logging.getLogger("kubernetes").setLevel(logging.ERROR)  # it warns of a missing kubeconfig, as we do
    try:
        code = asyncio.run(_command(arguments))
    except KeyboardInterrupt:
        code = 0
    except _BadUsage as bad:
        print(bad, file=sys.stderr)
        code = BAD_REQUEST
    sys.exit(code)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="vm-migrate-bot", description="Moves KubeVirt VMs between nodes, from Slack, with the team's approval."
    )
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("run", help="serve Slack until stopped")
    commands.add_parser("check", help="say whether Slack and the cluster let the bot do its work")
    plan = commands.add_parser("plan", help="print the plan for a request; for when Slack is down")
    plan.add_argument("text", nargs="+", help='what you would type after /vm-migrate, for example "web-01 worker-05"')
    _sandbox_parser(commands.add_parser("sandbox", help="try it with a simulated cluster and Slack on this machine"))
    return parser


def _sandbox_parser(sandbox: argparse.ArgumentParser) -> None:
    sandbox.set_defaults(part=None)
    sandbox.add_argument("--port", type=int, default=8080, help="port of the page; 0 takes a free one (default 8080)")
    sandbox.add_argument("--speed", type=float, default=1.0, help="how fast the cluster's clock runs (default 1)")
    parts = sandbox.add_subparsers(dest="part")
    cluster = parts.add_parser("cluster", help="the simulated cluster alone")
    cluster.add_argument("--port", type=int, default=0)
    cluster.add_argument("--kubeconfig", type=Path, required=True, help="file to write once the API answers")
    cluster.add_argument("--speed", type=float, default=1.0)
    cluster.add_argument(
        "--rbac", action="store_true", help="enforce roles for whoever sends a token; kubectl sends none"
    )
    slack = parts.add_parser("slack", help="the local Slack alone")
    slack.add_argument("--port", type=int, default=0)
    gallery = parts.add_parser("gallery", help="a page with every card and form of the bot in every state")
    gallery.add_argument("--port", type=int, default=0)
    play = parts.add_parser("play", help="play a scripted conversation and print its transcript")
    play.add_argument("story", help="a YAML file, or the name of a drill; without it the drills are listed", nargs="?")
    play.add_argument("--http", action="store_true", help="Slack posts signed requests, instead of Socket Mode")


async def _command(arguments: argparse.Namespace) -> int:
    match arguments.command, getattr(arguments, "part", None):
        case "run", _:
            return await _run()
        case "check", _:
            return await _check()
        case "plan", _:
            return await _plan(" ".join(arguments.text))
        case _, None:
            return await _sandbox(arguments)
        case _, "play":
            return await _play(arguments.story, http_mode=arguments.http)
        case _:
            return await _sandbox_part(arguments)


def _settings() -> Settings:
    try:
        return Settings()
    except ValidationError as bad:  # the values stay out, they may be secrets
        named = (f"setting {env_name(str(each['loc'][0]))}: {each['msg']}" for each in bad.errors())
        raise _BadUsage("\n".join(named)) from bad


async def _run() -> int:
    settings = _settings()
    logs.set_up(settings.log_level, settings.log_format, settings.secrets)
    try:
        return await wiring.run(settings, lambda line: print(line, flush=True))
    except wiring.CannotStart as reason:
        print(f"vm-migrate-bot cannot start: {reason}", file=sys.stderr)
        return FAILED


async def _check() -> int:
    good = True
    async for line in checkup(_settings()):
        print(line, flush=True)
        good = good and line.verdict is not Verdict.FAIL
    return FEASIBLE if good else FAILED


async def _plan(text: str) -> int:
    try:
        asked = grammar.parse(text)
        if isinstance(asked, request.Ambiguous):
            return _refuse(_unclear(asked))
        if not isinstance(asked, request.MoveRequest | request.BatchRequest):
            return _refuse(grammar.ParseError("no-vm", "No VM is named.", f"Write it like this: {request.FORM}"))
        async with wiring.cluster(_settings()) as cluster:
            try:
                planned = await judge_any(cluster, asked)
            except k8s.ClusterError as error:
                return _refuse(await spoken(cluster, error), UNREACHABLE if error.temporary else BAD_REQUEST)
    except BotError as refused:
        return _refuse(refused)
    except k8s.ClusterError as error:
        return _refuse(errors.from_cluster(error), UNREACHABLE)
    print(describe.plan_text(planned))
    print(describe.batch.plan_text(planned), end="")
    return BLOCKED if planned.blocked else FEASIBLE


def _unclear(asked: request.Ambiguous) -> BotError:
    meant = "\n".join(f"  {reading.request}" for reading in asked.readings)
    return BotError("ambiguous", asked.question, f"Write one of these:\n{meant}")


def _refuse(error: BotError, code: int = BAD_REQUEST) -> int:
    print(f"{error.what}\n{error.remedy}\n({error.code})", file=sys.stderr)
    return code


async def _sandbox(arguments: argparse.Namespace) -> int:
    from bot.sandbox.run import run_all

    return await _until_stopped(run_all(port=arguments.port, speed=arguments.speed))


async def _sandbox_part(arguments: argparse.Namespace) -> int:
    from bot.sandbox.run import run_cluster, run_gallery, run_slack

    if arguments.part == "slack":
        return await _until_stopped(run_slack(port=arguments.port))
    if arguments.part == "gallery":
        return await _until_stopped(run_gallery(port=arguments.port))
    cluster = run_cluster(
        port=arguments.port, kubeconfig=arguments.kubeconfig, speed=arguments.speed, rbac=arguments.rbac
    )
    return await _until_stopped(cluster)


async def _play(named: str | None, *, http_mode: bool) -> int:
    from yaml import YAMLError

    from bot.sandbox import drills
    from bot.sandbox.play import ExpectationFailed, load, play
    from bot.sandbox.stage import BotDidNotStart

    if named is None:
        print("\n".join(f"{name}  {load(path).learn}" for name in drills.names() if (path := drills.find(name))))
        return FEASIBLE
    path = drills.find(named) or Path(named)
    try:
        story = load(path)
    except ValidationError as bad:
        places = (f"{path}: {'.'.join(map(str, each['loc']))}: {each['msg']}" for each in bad.errors())
        raise _BadUsage("\n".join(places)) from bad
    except (OSError, YAMLError) as bad:
        raise _BadUsage(f"{path}: {bad}") from bad
    with tempfile.TemporaryDirectory(prefix="vm-migrate-play-") as folder:
        try:
            await play(story, Path(folder), print, http_mode=http_mode)
        except (ExpectationFailed, BotDidNotStart) as failed:
            print(f"FAILED: {failed}", file=sys.stderr)
            return FAILED
    print("The story went as written.")
    return FEASIBLE


async def _until_stopped(serving: Coroutine[Any, Any, None]) -> int:
    """Serve until SIGINT or SIGTERM, then close in order."""
    task = asyncio.ensure_future(serving)
    with wiring.stop_signals(task.cancel):
        try:
            await task
        except asyncio.CancelledError:
            return FEASIBLE
    return FEASIBLE
