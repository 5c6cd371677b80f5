"""A KubeCluster on a scripted API server, with time that nobody waits for."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from k8s.client import KubeCluster
from tests.cluster.api import Api, HandTime


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
