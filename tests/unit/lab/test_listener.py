"""The open socket of the API."""

import socket

import pytest

from lab import listener
from lab.errors import CannotStart


def test_a_free_port_is_found_and_named():
    with listener.opened("127.0.0.1", 0) as socket_:
        assert listener.url(socket_) == f"http://127.0.0.1:{socket_.getsockname()[1]}"
        socket.create_connection(socket_.getsockname()).close()


def test_a_socket_on_all_interfaces_is_reached_by_the_loopback():
    with listener.opened("0.0.0.0", 0) as socket_:
        assert listener.url(socket_).startswith("http://127.0.0.1:")


@pytest.mark.skipif(not socket.has_ipv6, reason="this Python has no IPv6")
def test_an_address_of_version_6_has_brackets():
    with listener.opened("::1", 0) as socket_:
        assert listener.url(socket_).startswith("http://[::1]:")


def test_a_taken_port_is_named():
    with listener.opened("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(CannotStart, match=f"port {port} of 127.0.0.1: Address already in use"):
            listener.opened("127.0.0.1", port).__enter__()


def test_a_host_that_does_not_exist_is_named():
    with pytest.raises(CannotStart, match=r"port 8000 of nowhere\.invalid: "):
        listener.opened("nowhere.invalid", 8000).__enter__()


def test_connections_send_small_answers_at_once():
    with (
        listener.opened("127.0.0.1", 0) as socket_,
        socket.create_connection(socket_.getsockname()),
    ):
        connection, _ = socket_.accept()
        with connection:
            assert connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
