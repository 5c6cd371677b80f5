"""The manifests on a cluster that enforces rights: kubectl applies them, and the bot works as the service account.

The simulated API has no Deployments, volumes and network policies; what it has (namespace, service account, roles,
bindings) is applied as it is rendered, and the bot runs beside it with the service account's token.
"""

import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
import yaml

from tests.manifests.test_kubernetes import KUBECTL, render, the
from tests.stories.processes import Command, Ground, ground, people_of

pytestmark = pytest.mark.stories

KINDS = {"Namespace", "ServiceAccount", "ClusterRole", "ClusterRoleBinding", "RoleBinding"}


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Ground]:
    async with ground(tmp_path) as place:
        yield place


def kubectl(place: Ground, *arguments: str, given: str | None = None) -> str:
    command = [str(KUBECTL), "--kubeconfig", str(place.kubeconfig), *arguments]
    return subprocess.run(command, input=given, check=True, capture_output=True, text=True).stdout.strip()


async def installed(place: Ground, overlay: str) -> dict[str, str]:
    """Apply the overlay and make a kubeconfig of the bot's own; the settings that lead there."""
    _, address = await place.cluster(0, 5, "--rbac")
    objects = render(overlay)
    applied = yaml.safe_dump_all([each for each in objects if each["kind"] in KINDS])
    kubectl(place, "apply", "--validate=false", "-f", "-", given=applied)
    token = kubectl(place, "--namespace", "vm-migrate-bot", "create", "token", "vm-migrate-bot")
    mine = Ground(place.folder / "bot")
    mine.folder.mkdir()
    for arguments in (
        ("set-cluster", "here", f"--server={address}"),
        ("set-credentials", "bot", f"--token={token}"),
        ("set-context", "here", "--cluster=here", "--user=bot"),
        ("use-context", "here"),
    ):
        kubectl(mine, "config", *arguments)
    _, tokens = await place.slack()
    settings: dict[str, str] = the(objects, "ConfigMap")["data"] | {"VM_MIGRATE_OPERATIONS_LISTEN": "127.0.0.1:0"}
    return settings | place.settings(tokens) | {"KUBECONFIG": str(mine.kubeconfig)}


async def failures(place: Ground, settings: dict[str, str]) -> list[str]:
    check: Command = await place.command("check", settings=settings)
    await check.ended()
    return [line for line in check.lines if not line.startswith("ok ")]


async def test_an_installation_for_the_whole_cluster_lacks_nothing_and_moves_a_vm(place: Ground) -> None:
    settings = await installed(place, "socket")
    assert await failures(place, settings) == []
    await place.bot(settings)
    async with aiohttp.ClientSession() as http:
        people = people_of(http, settings)
        await people.say("dana", "/vm-migrate web-01 worker-05")
        card = await people.sees("dana", "[Confirm]", "web-01")
        await people.click("ravi", card, "Confirm")
        await people.sees("dana", "Move succeeded", "worker-05", thread=card)


async def test_an_installation_for_one_namespace_moves_its_vms_and_reaches_no_others(place: Ground) -> None:
    settings = await installed(place, "namespaced")
    assert await failures(place, settings) == []
    bot = await place.bot(settings)
    async with aiohttp.ClientSession() as http:
        people = people_of(http, settings)
        await people.say("dana", "/vm-migrate vms/manual-01 worker-05 --cold")
        await people.sees("dana", "does not let the bot", "vms")
        for text, report in (("web-01 worker-05", "Move succeeded"), ("app-vm worker-04 --cold", "[Remove]")):
            await people.say("dana", f"/vm-migrate {text}")
            card = await people.sees("dana", "[Confirm]", text.split()[0])
            await people.click("ravi", card, "Confirm")
            await people.sees("dana", report, text.split()[1], thread=card)
    assert "Traceback" not in bot.output
