"""Waiting for experiments: by the lab's event stream, and by polling when there is none."""

import contextlib
import signal
import socket
import subprocess
import threading
import time
from urllib.parse import urlsplit

import pytest

from extrapolab import Lab, NotFound
from extrapolab.client.connection import events
from tests.kit.lab import EXTRAPOLAB

NEVER = 3600.0


@pytest.fixture
def without_polls(monkeypatch):
    """After the first poll, a waiting client learns only what the stream says."""
    monkeypatch.setattr(events, "FIRST_POLL", NEVER)
    monkeypatch.setattr(events, "LISTEN_FROM", 0.0)
    monkeypatch.setattr(events, "POLL_WHILE_LISTENING", NEVER)


def wait_until(condition):
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, "it never happened"
        time.sleep(0.05)


class Proxy:
    """A proxy of a lab that records the traffic and can cut its connections."""

    def __init__(self, url):
        self._target = (urlsplit(url).hostname, urlsplit(url).port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._connections = []
        self.requests = self.answers = b""
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                self._connections.append(connection)
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, client):
        with client, socket.create_connection(self._target) as server:
            back = threading.Thread(target=self._forward, args=(server, client, False))
            back.start()
            self._forward(client, server, True)
            back.join()

    def _forward(self, source, target, is_request):
        with contextlib.suppress(OSError):
            while chunk := source.recv(65536):
                target.sendall(chunk)
                if is_request:
                    self.requests += chunk
                else:
                    self.answers += chunk
        for end in (source, target):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def cut(self):
        """Cuts every open connection."""
        while self._connections:
            with contextlib.suppress(OSError):
                self._connections.pop().shutdown(socket.SHUT_RDWR)

    def close(self):
        """Refuses new connections and cuts the open ones."""
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.cut()

    def wait_for_streams(self, count):
        wait_until(lambda: self.requests.count(b"GET /v1/events") >= count)


@pytest.fixture
def proxy(lab):
    with contextlib.closing(Proxy(lab.url)) as opened:
        yield opened


def test_stream_reports_the_end(client, endless, proxy, without_polls):
    experiment = client.submit(endless())

    def cancel_later():
        proxy.wait_for_streams(1)
        client.experiment(experiment.id).cancel()

    thread = threading.Thread(target=cancel_later)
    thread.start()
    with Lab(proxy.url) as proxied:
        (ended,) = proxied.as_completed([proxied.experiment(experiment.id)], timeout=90)
    thread.join()
    assert ended.state == "cancelled"


def test_broken_stream_is_resumed(client, endless, proxy, without_polls, monkeypatch):
    monkeypatch.setattr(events, "SLOWEST_POLL", 0.1)
    experiment = client.submit(endless())

    def has_state_event():
        return b"\n\n" in proxy.answers.partition(b"event: state")[2]

    def cut_and_cancel():
        wait_until(has_state_event)
        proxy.cut()
        proxy.wait_for_streams(2)
        experiment.cancel()

    thread = threading.Thread(target=cut_and_cancel)
    thread.start()
    with Lab(proxy.url) as proxied:
        (ended,) = proxied.as_completed([proxied.experiment(experiment.id)], timeout=90)
    thread.join()
    assert ended.state == "cancelled"
    assert b"last-event-id" in proxy.requests.lower()


def test_client_polls_when_there_is_no_stream(client, spec, monkeypatch):
    async def find_no_stream(self, client):
        """Returns as if the lab had no such address."""

    monkeypatch.setattr(events.EventListener, "_read_stream", find_no_stream)
    monkeypatch.setattr(events, "LISTEN_FROM", 0.0)
    experiment = client.submit(spec(steps=200_000))
    assert experiment.wait(90).state == "completed"
    (again,) = client.as_completed([client.submit(spec(steps=100_000))], timeout=90)
    assert again.state == "completed"


def test_first_to_end_comes_first_whatever_its_state(client, endless, spec):
    first, second = client.submit(endless()), client.submit(spec(), priority=5)
    ended = client.as_completed([first, second, second], timeout=90)
    assert next(ended) is second
    first.cancel()
    assert [(experiment.id, experiment.state) for experiment in ended] == [(first.id, "cancelled")]


def test_sweep_and_query_are_waited_for(client, spec):
    axes = [{"path": "training.length", "values": [3, 4, 5]}]
    sweep = client.sweep(spec(tags=["one by one"]), axes)
    states = {ended.id: ended.state for ended in client.as_completed(sweep, timeout=90)}
    assert set(states.values()) == {"completed"}
    query = client.query('tag:"one by one"')
    assert states.keys() == {ended.id for ended in client.as_completed(query, timeout=90)}
    assert list(client.as_completed([])) == []


def test_waiting_for_several_times_out_and_they_keep_running(client, endless):
    experiments = [client.submit(endless()) for _ in range(2)]
    with pytest.raises(TimeoutError, match=r"2 of 2 experiments have not ended .* keep running"):
        list(client.as_completed(experiments, timeout=0.3))
    for experiment in experiments:
        assert experiment.refresh().state in {"queued", "running"}
        experiment.cancel()


def test_experiments_are_fetched_in_several_requests(client, spec, monkeypatch):
    monkeypatch.setattr(events, "IDS_PER_QUERY", 2)
    monkeypatch.setattr(events, "MAX_IDS_PER_STREAM", 2)
    sweep = client.sweep(spec(), [{"path": "training.length", "values": [2, 3, 4, 5, 6]}])
    assert [ended.state for ended in client.as_completed(sweep, timeout=90)] == ["completed"] * 5


def test_unknown_experiment_is_not_waited_for(client, endless):
    experiment = client.submit(endless())
    unknown_id = "exp_" + "0" * 32
    experiment.id = unknown_id
    with pytest.raises(NotFound, match=unknown_id):
        list(client.as_completed([experiment], timeout=90))


def test_progress_is_shown_until_all_have_ended(client, spec, capsys):
    (experiment,) = client.watch([client.submit(spec(name="watched"))])
    assert experiment.state == "completed"
    assert "[1/1]  watched  completed" in capsys.readouterr().out


@pytest.mark.parametrize(("answer", "times"), [(b"HTTP/1.1 200", 3), (b"event: state", 1)])
def test_ctrl_c_only_stops_watching(client, endless, proxy, answer, times):
    """Between two polls, and while the stream is open."""
    experiment = client.submit(endless())
    command = [EXTRAPOLAB, "--url", proxy.url, "watch", experiment.id]
    with subprocess.Popen(
        command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as watching:
        wait_until(lambda: proxy.answers.count(answer) >= times)
        watching.send_signal(signal.SIGINT)
        _, message = watching.communicate(timeout=60)
    assert f"Still running. Resume with: extrapolab watch {experiment.id}" in message
    assert "Traceback" not in message
    assert watching.returncode == 130
    assert experiment.cancel().record.cancel_requested or experiment.record.is_final
