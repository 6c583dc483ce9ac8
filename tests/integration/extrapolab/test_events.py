"""Waiting for experiments: told by the lab's stream of events, and by looks where the stream says nothing."""

import contextlib
import signal
import socket
import subprocess
import threading
import time
from urllib.parse import urlsplit

import pytest

from extrapolab import Lab, NotFound
from extrapolab.client import events
from tests.kit.lab import EXTRAPOLAB

NEVER = 3600.0


@pytest.fixture
def only_told(monkeypatch):
    """Looks don't help: after the first one, whoever waits knows only what the stream tells."""
    monkeypatch.setattr(events, "FIRST_LOOK", NEVER)
    monkeypatch.setattr(events, "LISTEN_FROM", 0.0)
    monkeypatch.setattr(events, "LOOK_BESIDES", NEVER)


def until(there):
    """Waits until it is there."""
    deadline = time.monotonic() + 60
    while not there():
        assert time.monotonic() < deadline, "it never came"
        time.sleep(0.05)


class Way:
    """A way to a lab that can be cut while somebody is on it, and that keeps what was asked on it."""

    def __init__(self, url):
        self._target = (urlsplit(url).hostname, urlsplit(url).port)
        self._door = socket.create_server(("127.0.0.1", 0))
        self._open = []
        self.asked = self.answered = b""
        threading.Thread(target=self._let_in, daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self._door.getsockname()[1]}"

    def _let_in(self):
        with contextlib.suppress(OSError):
            while True:
                near, _ = self._door.accept()
                self._open.append(near)
                threading.Thread(target=self._lead, args=(near,), daemon=True).start()

    def _lead(self, near):
        with near, socket.create_connection(self._target) as far:
            back = threading.Thread(target=self._carry, args=(far, near, False))
            back.start()
            self._carry(near, far, True)
            back.join()

    def _carry(self, source, target, out):
        with contextlib.suppress(OSError):
            while piece := source.recv(65536):
                target.sendall(piece)
                if out:
                    self.asked += piece
                else:
                    self.answered += piece
        for end in (source, target):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def cut(self):
        """Breaks off whatever is on the way."""
        while self._open:
            with contextlib.suppress(OSError):
                self._open.pop().shutdown(socket.SHUT_RDWR)

    def close(self):
        """Lets nobody in any more; those who are in are gone when the test is over."""
        self._door.shutdown(socket.SHUT_RDWR)
        self._door.close()
        self.cut()

    def until_streams(self, count):
        until(lambda: self.asked.count(b"GET /v1/events") >= count)


@pytest.fixture
def way(lab):
    with contextlib.closing(Way(lab.url)) as found:
        yield found


def test_who_waits_is_told_of_the_end(client, endless, way, only_told):
    experiment = client.submit(endless())

    def later():
        way.until_streams(1)
        client.experiment(experiment.id).cancel()

    other = threading.Thread(target=later)
    other.start()
    with Lab(way.url) as far:
        (ended,) = far.as_completed([far.experiment(experiment.id)], timeout=90)
    other.join()
    assert ended.state == "cancelled"


def test_a_stream_that_breaks_is_taken_up_where_it_was(
    client, endless, way, only_told, monkeypatch
):
    monkeypatch.setattr(events, "SLOWEST_LOOK", 0.1)
    experiment = client.submit(endless())

    def later():
        until(
            lambda: (
                b"event: state" in way.answered
                and b"\n\n" in way.answered.partition(b"event: state")[2]
            )
        )
        way.cut()
        way.until_streams(2)
        experiment.cancel()

    other = threading.Thread(target=later)
    other.start()
    with Lab(way.url) as far:
        (ended,) = far.as_completed([far.experiment(experiment.id)], timeout=90)
    other.join()
    assert ended.state == "cancelled"
    assert b"last-event-id" in way.asked.lower()


def test_where_there_is_no_stream_one_looks(client, spec, monkeypatch):
    async def deaf(self, client):
        """As if the lab had no such address."""

    monkeypatch.setattr(events._Ear, "_hear", deaf)
    monkeypatch.setattr(events, "LISTEN_FROM", 0.0)
    experiment = client.submit(spec(steps=200_000))
    assert experiment.wait(90).state == "completed"
    (again,) = client.as_completed([client.submit(spec(steps=100_000))], timeout=90)
    assert again.state == "completed"


def test_the_first_to_end_comes_first_however_it_ends(client, endless, spec):
    first, second = client.submit(endless()), client.submit(spec(), priority=5)
    ends = client.as_completed([first, second, second], timeout=90)
    assert next(ends) is second
    first.cancel()
    assert [(one.id, one.state) for one in ends] == [(first.id, "cancelled")]


def test_a_sweep_and_a_query_are_waited_for_one_by_one(client, spec):
    sweep = client.sweep(
        spec(tags=["one by one"]), [{"path": "training.length", "values": [3, 4, 5]}]
    )
    found = {one.id: one.state for one in client.as_completed(sweep, timeout=90)}
    assert set(found.values()) == {"completed"}
    assert found.keys() == {
        one.id for one in client.as_completed(client.query('tag:"one by one"'), timeout=90)
    }
    assert list(client.as_completed([])) == []


def test_waiting_for_several_ends_in_time_and_they_go_on(client, endless):
    experiments = [client.submit(endless()) for _ in range(2)]
    with pytest.raises(TimeoutError, match="2 of 2 experiments have not ended"):
        list(client.as_completed(experiments, timeout=0.3))
    for experiment in experiments:
        assert experiment.refresh().state in {"queued", "running"}
        experiment.cancel()


def test_more_experiments_than_one_question_names_are_all_looked_at(client, spec, monkeypatch):
    monkeypatch.setattr(events, "AT_ONCE", 2)
    monkeypatch.setattr(events, "MOST_FOLLOWED", 2)
    sweep = client.sweep(spec(), [{"path": "training.length", "values": [2, 3, 4, 5, 6]}])
    assert [one.state for one in client.as_completed(sweep, timeout=90)] == ["completed"] * 5


def test_an_experiment_that_is_gone_is_not_waited_for(client, endless):
    experiment = client.submit(endless())
    strange = "exp_" + "0" * 32
    experiment.id = strange
    with pytest.raises(NotFound, match=strange):
        list(client.as_completed([experiment], timeout=90))


def test_bars_are_shown_until_all_have_ended(client, spec, capsys):
    (experiment,) = client.watch([client.submit(spec(name="watched"))])
    assert experiment.state == "completed"
    assert "[1/1]  watched  completed" in capsys.readouterr().out


@pytest.mark.parametrize(("seen", "times"), [(b"HTTP/1.1 200", 3), (b"event: state", 1)])
def test_ctrl_c_ends_the_watching_only(client, endless, way, seen, times):
    """Between two looks, and while it listens to the stream."""
    experiment = client.submit(endless())
    command = [EXTRAPOLAB, "--url", way.url, "watch", experiment.id]
    with subprocess.Popen(
        command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as watching:
        until(lambda: way.answered.count(seen) >= times)
        watching.send_signal(signal.SIGINT)
        _, said = watching.communicate(timeout=60)
    assert f"They go on. To look again: extrapolab watch {experiment.id}" in said
    assert "Traceback" not in said
    assert watching.returncode == 130
    assert experiment.cancel().record.cancel_requested or experiment.record.is_final
