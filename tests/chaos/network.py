"""Several hosts on one machine: network namespaces on one switch, each with a cable to cut.

Needs root and a kernel with veth. A namespace has its own interfaces, routes and ports; processes
and files are shared.
"""

import os
import subprocess
import uuid
import warnings
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
from pyroute2 import NetNS, netns
from pyroute2.netlink.exceptions import NetlinkError

_SWITCH = "switch"


class Host:
    """A host; the first one also has the switch that all others are connected to."""

    def __init__(self, name: str, address: str) -> None:
        self.name, self.address = name, address
        self._thread = ThreadPoolExecutor(1, initializer=netns.setns, initargs=(name,))

    @property
    def command_prefix(self) -> list[str]:
        """A command prefix that runs a command on this host."""
        return ["nsenter", f"--net=/var/run/netns/{self.name}"]

    def start(self, command: list[str], log: Path, **variables: str) -> subprocess.Popen[bytes]:
        with log.open("ab") as output:
            environment = os.environ | variables
            return subprocess.Popen(
                [*self.command_prefix, *command], env=environment, stdout=output, stderr=output
            )

    def request(self, method: str, url: str, **options: Any) -> httpx2.Response:
        """Sends a request from this host."""
        return self._thread.submit(
            httpx2.request, method, url, timeout=20.0, trust_env=False, **options
        ).result()

    def close(self) -> None:
        self._thread.shutdown()
        netns.remove(self.name)


class Network:
    """Hosts by name, connected by cables to the switch on ``server``."""

    def __init__(self, hosts: Mapping[str, Host]) -> None:
        self.hosts = hosts

    def cut(self, name: str) -> None:
        """Cuts the cable of a host; for ``server``, the switch."""
        self._set(name, "down")

    def heal(self, name: str) -> None:
        self._set(name, "up")

    def _set(self, name: str, state: str) -> None:
        with _without_warnings(), NetNS(self.hosts["server"].name) as server:
            cable = _SWITCH if name == "server" else f"to-{name}"
            server.link("set", index=server.link_lookup(ifname=cable)[0], state=state)


@contextmanager
def _without_warnings() -> Iterator[None]:
    """Ignores warnings of pyroute2, whose fork into a namespace leaves a socket open."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        warnings.simplefilter("ignore", DeprecationWarning)
        yield


@contextmanager
def network(*names: str) -> Iterator[Network]:
    """Creates a ``server`` and further hosts on one switch, or skips the test."""
    if os.geteuid() != 0:
        pytest.skip("NOT TESTED: network namespaces need root")
    prefix = f"lab-{uuid.uuid4().hex[:8]}"
    hosts: dict[str, Host] = {}
    try:
        for number, name in enumerate(("server", *names), 1):
            try:
                with _without_warnings():
                    _connect_host(f"{prefix}-{name}", name, f"10.77.0.{number}", f"{prefix}-server")
            except (NetlinkError, OSError) as error:
                pytest.skip(f"NOT TESTED: this machine has no network namespaces: {error}")
            hosts[name] = Host(f"{prefix}-{name}", f"10.77.0.{number}")
        yield Network(hosts)
    finally:
        for host in hosts.values():
            host.close()


def _connect_host(namespace: str, name: str, address: str, server_namespace: str) -> None:
    netns.create(namespace)
    with NetNS(server_namespace) as server:
        if name == "server":
            server.link("add", ifname=_SWITCH, kind="bridge")
        else:
            peer = {"ifname": "cable", "net_ns_fd": namespace}
            server.link("add", ifname=f"to-{name}", kind="veth", peer=peer)
            switch = server.link_lookup(ifname=_SWITCH)[0]
            server.link(
                "set", index=server.link_lookup(ifname=f"to-{name}")[0], master=switch, state="up"
            )
    with NetNS(namespace) as host:
        cable = host.link_lookup(ifname=_SWITCH if name == "server" else "cable")[0]
        host.addr("add", index=cable, address=address, prefixlen=24)
        for index in (cable, host.link_lookup(ifname="lo")[0]):
            host.link("set", index=index, state="up")
