"""The listening socket of the API."""

import socket

import pytest

from lab import listener
from lab.errors import CannotStart


def test_port_0_picks_a_free_port():
    with listener.listen("127.0.0.1", 0) as listening:
        assert listener.url(listening) == f"http://127.0.0.1:{listening.getsockname()[1]}"
        socket.create_connection(listening.getsockname()).close()


def test_the_url_of_all_interfaces_is_the_loopback():
    with listener.listen("0.0.0.0", 0) as listening:
        assert listener.url(listening).startswith("http://127.0.0.1:")


@pytest.mark.skipif(not socket.has_ipv6, reason="this Python has no IPv6")
def test_an_ipv6_address_has_brackets():
    with listener.listen("::1", 0) as listening:
        assert listener.url(listening).startswith("http://[::1]:")


def test_a_taken_port_is_reported():
    with listener.listen("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(CannotStart, match=f"port {port} of 127.0.0.1: Address already in use"):
            listener.listen("127.0.0.1", port).__enter__()


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1"])
def test_an_address_that_others_reach_is_refused(host):
    with pytest.raises(CannotStart, match=rf"everyone who reaches {host} .*SSH.*--allow-anyone"):
        listener.require_loopback(host)


@pytest.mark.parametrize(
    "host", ["localhost", "127.0.0.1", "127.1.2.3", "::1", "nowhere.invalid", "a..b"]
)
def test_loopback_needs_no_permission(host):
    listener.require_loopback(host)


@pytest.mark.parametrize("host", ["nowhere.invalid", "a..b"])
def test_an_unknown_host_is_reported(host):
    with pytest.raises(CannotStart, match=rf"port 8000 of {host}: [A-Z].*with --port or --host"):
        listener.listen(host, 8000).__enter__()


def test_connections_send_small_answers_without_delay():
    with (
        listener.listen("127.0.0.1", 0) as listening,
        socket.create_connection(listening.getsockname()),
    ):
        connection, _ = listening.accept()
        with connection:
            assert connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
