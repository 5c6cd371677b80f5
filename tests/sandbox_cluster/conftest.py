"""A sandbox per test, with the clients that speak to it: the official one, kubectl, and plain HTTP."""

import asyncio
import os
import shutil
import sys
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from kubernetes import aio

from bot.sandbox.cluster import ClusterSandbox

Json = dict[str, Any]
GROUP = ("kubevirt.io", "v1")


@pytest.fixture
async def sandbox() -> AsyncIterator[ClusterSandbox]:
    """A world whose time stands still until the test moves it."""
    running = ClusterSandbox(start_time=1_795_000_000.0)
    await running.start()
    yield running
    await running.stop()


@pytest.fixture
async def http(sandbox: ClusterSandbox) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(sandbox.url) as session:
        yield session


@pytest.fixture
async def client(sandbox: ClusterSandbox) -> AsyncIterator[aio.client.ApiClient]:
    configuration = aio.client.Configuration()
    await aio.config.load_kube_config_from_dict(sandbox.kubeconfig(), client_configuration=configuration)
    async with aio.client.ApiClient(configuration) as api:
        yield api


@dataclass(frozen=True)
class Output:
    code: int
    text: str
    errors: str


@pytest.fixture
def kubectl(sandbox: ClusterSandbox, tmp_path: Path) -> Callable[..., Any]:
    """Run kubectl; ``advance`` seconds pass on the cluster while it runs."""
    binary = Path(sys.executable).with_name("kubectl")
    assert shutil.which(str(binary))
    sandbox.write_kubeconfig(tmp_path / "kubeconfig")
    environment = os.environ | {"KUBECONFIG": str(tmp_path / "kubeconfig"), "HOME": str(tmp_path)}

    async def run(*arguments: str, advance: float = 0, stdin: str = "") -> Output:
        process = await asyncio.create_subprocess_exec(
            str(binary),
            *arguments,
            env=environment,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        ending = asyncio.create_task(process.communicate(stdin.encode()))
        while advance and not ending.done():
            await asyncio.wait([ending], timeout=0.05)
            await sandbox.advance(advance)
        out, err = await ending
        return Output(process.returncode or 0, out.decode(), err.decode())

    return run


def migration(name: str, vmi: str, node: str = "", namespace: str = "production") -> Json:
    spec: Json = {"vmiName": vmi} | ({"addedNodeSelector": {"kubernetes.io/hostname": node}} if node else {})
    return {
        "apiVersion": "kubevirt.io/v1",
        "kind": "VirtualMachineInstanceMigration",
        "metadata": {"name": name, "namespace": namespace},
        "spec": spec,
    }


def kubevirt_path(plural: str, name: str = "", namespace: str = "production") -> str:
    base = f"/apis/kubevirt.io/v1/namespaces/{namespace}/{plural}"
    return f"{base}/{name}" if name else base
