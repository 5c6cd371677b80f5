"""The way to the API server: credentials, TLS and two connection pools.

The only module that imports `kubernetes`. Reads and writes share one pool, watches have another: a watch holds its
connection for minutes and would starve the writes of a shared one. Credentials that expire (an exec plugin's, a token
file's) are loaded again by `renew`; client certificates are not, they live as long as the pool.
"""

import asyncio
from copy import copy
from importlib.metadata import PackageNotFoundError, version
from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

from kubernetes.aio.client import ApiClient, Configuration
from kubernetes.aio.config import ConfigException, load_incluster_config, load_kube_config
from yaml import YAMLError

from k8s.client.timing import Timing
from k8s.errors import Unauthorized
from k8s.names import OUR_PREFIX

CALLS_AT_ONCE: Final = 32
"""Connections for reads and writes; more wait their turn."""

WATCHES_AT_ONCE: Final = 64
"""Connections for watches: three at most per namespace in which a move runs."""

RENEW_EVERY: Final = 30.0
"""Seconds between two attempts to load refused credentials again."""

Pool = ApiClient
"""The library's client, which keeps the connections; used for nothing but single raw requests."""


class Connection:
    """Two pools to one API server. Must be closed."""

    def __init__(self, kubeconfig: str | None, timing: Timing) -> None:
        self._kubeconfig = kubeconfig
        self._timing = timing
        self._renewed_at = timing.now()
        self._renewing = asyncio.Lock()
        self.generation = 0
        """Counts the times that credentials were loaded again."""
        self._configuration = Configuration()
        self.calls: ApiClient
        self.watches: ApiClient

    @classmethod
    async def open(cls, kubeconfig: str | None, timing: Timing) -> "Connection":
        """Load credentials from a kubeconfig, or the pod's own when None. Sends nothing yet.

        Raises Unauthorized when there are none to load.
        """
        connection = cls(kubeconfig, timing)
        await connection._load()
        connection.calls = connection._first_pool(CALLS_AT_ONCE)
        connection.watches = _second_pool(connection.calls, WATCHES_AT_ONCE)
        return connection

    async def renew(self, refused: int) -> bool:
        """Load the credentials again after a 401 to a request that was sent under that `generation`.

        Of several requests that are refused together the first renews, and all are to be sent once more. False when
        the newest credentials are the ones that were refused.
        """
        async with self._renewing:
            if self.generation > refused:
                return True
            if self._timing.now() - self._renewed_at < RENEW_EVERY:
                return False
            self._renewed_at = self._timing.now()
            await self._load()
            self.generation += 1
            return True

    async def close(self) -> None:
        """Close both pools; what is in flight ends with an error."""
        await self.calls.close()
        await self.watches.close()

    async def _load(self) -> None:
        try:
            if self._kubeconfig is None:
                load_incluster_config(client_configuration=self._configuration)
            else:
                # persist_config would write refreshed tokens into the user's file.
                await load_kube_config(self._kubeconfig, client_configuration=self._configuration, persist_config=False)
        except (ConfigException, OSError, YAMLError, KeyError, TypeError, AttributeError, ValueError) as error:
            # The library lets a malformed file fail wherever it is first used; its texts hold paths.
            source = "service account" if self._kubeconfig is None else "kubeconfig"
            raise Unauthorized(f"the {source} is missing or cannot be used") from error
        if _is_loopback(self._configuration.host):
            self._configuration.proxy = None
            self._configuration.client_session_kwargs = {"trust_env": False}

    def _first_pool(self, size: int) -> ApiClient:
        # The configuration is shared so that renewed credentials reach both pools; their sizes differ, and the library
        # reads `maxsize` when it opens the first connection.
        client = ApiClient(self._configuration)
        client.rest_client.maxsize = size
        client.user_agent = f"{OUR_PREFIX}/{_version()}"
        return client


def _second_pool(first: ApiClient, size: int) -> ApiClient:
    """Another one, unused as the first still is, with the same TLS context: to load it costs 20 ms of the start."""
    client = copy(first)
    client.rest_client = copy(first.rest_client)
    client.rest_client.maxsize = size
    return client


def _is_loopback(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _version() -> str:
    try:
        return version(OUR_PREFIX)
    except PackageNotFoundError:  # runs from a source tree
        return "0"
