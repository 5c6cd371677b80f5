"""A KubeCluster on a scripted API server, and one on the simulated cluster, with time that nobody waits for."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.sandbox.cluster import ClusterSandbox
from k8s.client import KubeCluster
from tests.cluster.api import Api, HandTime
from tests.cluster.simulated import Shaky


@pytest.fixture
async def api() -> AsyncIterator[Api]:
    server = Api()
    await server.start()
    yield server
    await server.stop()


@pytest.fixture
def timing() -> HandTime:
    return HandTime()


@pytest.fixture
async def cluster(api: Api, timing: HandTime, tmp_path: Path) -> AsyncIterator[KubeCluster]:
    connected = await KubeCluster.connect(api.kubeconfig(tmp_path), timing=timing)
    yield connected
    await connected.close()


@pytest.fixture
async def sandbox() -> AsyncIterator[ClusterSandbox]:
    simulated = ClusterSandbox(start_time=1_766_000_000.0)
    await simulated.start()
    yield simulated
    await simulated.stop()


@pytest.fixture
async def kube(sandbox: ClusterSandbox, tmp_path: Path) -> AsyncIterator[Shaky]:
    connected = await Shaky.reach(sandbox, tmp_path)
    yield connected
    await connected.close()
