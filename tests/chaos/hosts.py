"""Several hosts on one machine: network namespaces on one switch, each with a cable that can be cut.

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
    """A host by its address; the first one also has the switch to which all others are plugged in."""

    def __init__(self, name: str, address: str) -> None:
        self.name, self.address = name, address
        self._at = ThreadPoolExecutor(1, initializer=netns.setns, initargs=(name,))

    @property
    def command_prefix(self) -> list[str]:
        """The command that runs another one on this host."""
        return ["nsenter", f"--net=/var/run/netns/{self.name}"]

    def start(self, command: list[str], log: Path, **variables: str) -> subprocess.Popen[bytes]:
        with log.open("ab") as output:
            environment = os.environ | variables
            return subprocess.Popen(
                [*self.command_prefix, *command], env=environment, stdout=output, stderr=output
            )

    def ask(self, method: str, url: str, **options: Any) -> httpx2.Response:
        """The answer to a request that is sent from this host."""
        return self._at.submit(
            httpx2.request, method, url, timeout=20.0, trust_env=False, **options
        ).result()

    def close(self) -> None:
        self._at.shutdown()
        netns.remove(self.name)


class Network:
    """The hosts, by name, and the cables between the switch and all but the server."""

    def __init__(self, hosts: Mapping[str, Host]) -> None:
        self.hosts = hosts

    def cut(self, name: str) -> None:
        """Pulls the cable of a host; that of ``server`` is the switch."""
        self._set(name, "down")

    def heal(self, name: str) -> None:
        self._set(name, "up")

    def _set(self, name: str, state: str) -> None:
        with _quietly(), NetNS(self.hosts["server"].name) as server:
            cable = _SWITCH if name == "server" else f"to-{name}"
            server.link("set", index=server.link_lookup(ifname=cable)[0], state=state)


@contextmanager
def _quietly() -> Iterator[None]:
    """Pyroute2 forks to enter a namespace, and the child leaves a socket open."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        warnings.simplefilter("ignore", DeprecationWarning)
        yield


@contextmanager
def network(*names: str) -> Iterator[Network]:
    """A ``server`` and further hosts of these names, on one switch; skips the test where nobody may make them."""
    if os.geteuid() != 0:
        pytest.skip("NOT TESTED: several hosts need network namespaces, and those need root")
    prefix = f"lab-{uuid.uuid4().hex[:8]}"
    hosts: dict[str, Host] = {}
    try:
        for number, name in enumerate(("server", *names), 1):
            try:
                with _quietly():
                    _plug_in(f"{prefix}-{name}", name, f"10.77.0.{number}", f"{prefix}-server")
            except (NetlinkError, OSError) as error:
                pytest.skip(f"NOT TESTED: this machine makes no network namespaces: {error}")
            hosts[name] = Host(f"{prefix}-{name}", f"10.77.0.{number}")
        yield Network(hosts)
    finally:
        for host in hosts.values():
            host.close()


def _plug_in(namespace: str, name: str, address: str, server_namespace: str) -> None:
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
        own = host.link_lookup(ifname=_SWITCH if name == "server" else "cable")[0]
        host.addr("add", index=own, address=address, prefixlen=24)
        for index in (own, host.link_lookup(ifname="lo")[0]):
            host.link("set", index=index, state="up")
