"""The event stream: states with ids, replay, many streams at once, and a prompt shutdown."""

import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import httpx2
import psutil
import pytest

from store.arrays.series import LIVE_METRICS
from store.db.database import Database
from store.queue import workers
from store.records import EventKind, WorkerRecord
from tests.integration.service.conftest import FakeWorker
from tests.integration.service.event_streams import PATIENCE_SECONDS, act, following, submit
from tests.integration.service.process import Served, served
from tests.integration.service.sweep_specs import sweep
from tests.kit import sample_specs

STREAMS = 64


@pytest.fixture(scope="module")
def service(module_postgres) -> Iterator[Served]:
    with served(module_postgres) as running:
        yield running


@pytest.fixture
def worker(module_postgres) -> Iterator[FakeWorker]:
    database = Database(module_postgres)
    yield FakeWorker(database)
    database.dispose()


def test_a_stream_reports_states_and_progress_as_they_change(service, worker):
    first, other = submit(service), submit(service)
    with following(service, first) as stream:
        data, number = stream.until("state")
        assert (data["id"], data["state"], data["kind"], str(data["number"])) == (
            first,
            "queued",
            "submitted",
            number,
        )
        claim = worker.claim()
        assert claim.experiment_id == first
        assert stream.until("state")[0]["state"] == "running"
        worker.record(claim, sample_specs.points([0, 50], claim.spec.seeds))
        progress, _ = stream.until("progress")
        newest = progress.pop("newest")
        assert progress == {
            "id": first, "step": 50, "of": 100, "steps_per_second": None, "eta_seconds": None
        }  # fmt: skip
        assert list(newest) == ["seed", "step", *LIVE_METRICS]
        assert (newest["seed"], newest["step"]) == ([0, 1], [50, 50])
        assert newest["train_loss"] == [50, 1e6 + 50]
        act(service, other, "cancel")
        worker.complete(claim)
        data, _ = stream.until("state")
        assert (data["id"], data["state"]) == (first, "completed"), (
            "the stream reported an experiment that it does not follow"
        )


def test_a_reader_that_reconnects_gets_what_it_missed_and_nothing_twice(service):
    experiment_id, other = submit(service), submit(service)
    with following(service, experiment_id, other) as stream:
        _, last = stream.until("state", id=other)
    for verb in ("pause", "resume", "cancel"):
        act(service, experiment_id, verb)
    act(service, other, "cancel")
    with following(service, experiment_id, other, last=last) as stream:
        replayed = [stream.until("state") for _ in range(4)]
    states = [data["state"] for data, _ in replayed]
    assert states == ["paused", "queued", "cancelled", "cancelled"]
    numbers = [int(number) for _, number in replayed]
    assert numbers == sorted(set(numbers))
    assert numbers[0] > int(last)


def test_a_stream_goes_on_where_a_list_or_an_experiment_ended(service):
    experiment_id, other = submit(service), submit(service)
    page = httpx2.get(f"{service.url}/v1/experiments?limit=1").json()
    read = httpx2.get(f"{service.url}/v1/experiments/{experiment_id}").json()
    for verb in ("pause", "resume"):
        act(service, experiment_id, verb)
    with following(service, experiment_id, last=str(read["last_event"]), query=True) as stream:
        assert [stream.until("state")[0]["state"] for _ in range(2)] == ["paused", "queued"]
    with following(service, last=str(page["last_event"]), query=True) as stream:
        assert stream.until("state", id=experiment_id, kind="paused")
        act(service, other, "cancel")
        assert stream.until("state", id=other, state="cancelled")


def test_a_filter_follows_what_comes_to_match_and_what_leaves(service):
    tag = "followed"
    first, other = submit(service, tags=[tag]), submit(service)
    with following(service, q=f"tag:{tag} and state = queued") as stream:
        act(service, other, "cancel")
        act(service, first, "pause")
        data, _ = stream.until("state")
        while data["state"] == "queued":  # the end of what came before
            data, _ = stream.until("state")
        assert (data["id"], data["state"]) == (first, "paused")
        later = submit(service, tags=[tag])
        data, last = stream.until("state")
        assert data["id"] == later
    act(service, later, "cancel")
    with following(service, q=f"tag:{tag}", last=last) as stream:
        assert stream.until("state", id=later, state="cancelled")


def test_a_stream_of_a_sweep_has_the_experiments_that_extend_it(service):
    submit(service)
    body = sweep({"path": "training.length", "values": [2]}, name="followed")
    path = httpx2.post(f"{service.url}/v1/sweeps", json=body).raise_for_status().headers["location"]
    with following(service, sweep=path.rpartition("/")[2], types="state") as stream:
        submit(service)
        axes = [{"path": "training.length", "values": [2, 3]}]
        extended = httpx2.post(f"{service.url}{path}:extend", json={"axes": axes})
        extended.raise_for_status()
        read = httpx2.get(f"{service.url}{path}").json()["members"]["items"]
        members = [member["experiment"] for member in read]
        seen = [stream.until("state")[0]["id"]]
        while seen[-1] != members[1]:
            seen.append(stream.until("state")[0]["id"])
    assert {*seen} <= {*members}


def test_a_stream_reports_slots_and_the_queue(service, worker):
    slot = WorkerRecord("worker_0", "node1", 10, None, "cpu", 1, heartbeat_at=0.0)
    with worker.database.write() as tx:
        workers.register(tx, slot)  # and it is never stale, however long this takes
        tx.exec_driver_sql("UPDATE workers SET heartbeat_at = heartbeat_at + 3600")
    with (
        following(service, types="state"),  # the service polls already, and not for slots alone
        following(service, types="worker,queue") as stream,
    ):
        data, number = stream.until("worker")
        assert (data["change"], data["worker"]["name"], number) == ("present", "node1 cpu·0", None)
        before, _ = stream.until("queue")
        experiment_id = submit(service)
        assert stream.until("queue")[0]["waiting"] == before["waiting"] + 1
        with worker.database.write() as tx:
            change = f"UPDATE workers SET experiment_id = '{experiment_id}'"
            tx.exec_driver_sql(change)
        data, _ = stream.until("worker")
        assert (data["change"], data["worker"]["experiment_id"]) == ("started", experiment_id)
        with worker.database.write() as tx:
            workers.remove(tx, "worker_0")
        assert stream.until("worker")[0]["change"] == "went"
        assert before["next"] == []


def test_a_replay_survives_a_restart_of_the_service(module_postgres):
    with served(module_postgres) as before:
        experiment_id = submit(before)
        with following(before, experiment_id) as stream:
            _, last = stream.until("state")
        act(before, experiment_id, "cancel")
    with served(module_postgres) as after, following(after, experiment_id, last=last) as stream:
        assert stream.until("state")[0]["state"] == "cancelled"


def test_without_ids_a_stream_starts_with_new_events(service):
    before = submit(service)
    with following(service) as stream, ThreadPoolExecutor(1) as background:

        def submit_until_received():
            while not received.done():
                submit(service)
                time.sleep(0.2)

        received = submissions = None
        with ThreadPoolExecutor(1) as reader:
            received = reader.submit(stream.until, "state", kind="submitted")
            submissions = background.submit(submit_until_received)
            data, _ = received.result(timeout=PATIENCE_SECONDS)
            submissions.result(timeout=PATIENCE_SECONDS)
    assert data["id"] != before


def test_many_streams_get_the_same_events_and_leave_threads_for_requests(service):
    """More streams than the service has threads."""
    experiment_id = submit(service)
    with ExitStack() as stack:
        streams = [stack.enter_context(following(service, experiment_id)) for _ in range(STREAMS)]
        for stream in streams:
            stream.until("state", state="queued")
        threads = psutil.Process(service.pid).num_threads()
        for _ in range(20):
            assert (
                httpx2.get(
                    f"{service.url}/v1/experiments?limit=1", timeout=PATIENCE_SECONDS
                ).status_code
                == 200
            )
        act(service, experiment_id, "cancel")
        with ThreadPoolExecutor(8) as readers:
            received = list(
                readers.map(lambda stream: stream.until("state", state="cancelled"), streams)
            )
        assert len({number for _, number in received}) == 1
        assert threads < STREAMS


def test_a_service_that_is_stopped_ends_its_streams_and_exits(module_postgres):
    with served(module_postgres) as service:
        experiment_id = submit(service)
        with following(service, experiment_id) as stream:
            stream.until("state")
            process = psutil.Process(service.pid)
            process.send_signal(signal.SIGTERM)
            assert stream.next() == {}
        process.wait(timeout=PATIENCE_SECONDS)


@pytest.mark.parametrize(
    ("ids", "last", "pointer"),
    [
        ("exp_none", None, "/query/experiments"),
        (",", None, "/query/experiments"),
        ("exp_" + "0" * 32 + ",\0", None, "/query/experiments"),
        (",".join(f"exp_{n:032x}" for n in range(501)), None, "/query/experiments"),
        (None, "x", "/header/Last-Event-ID"),
        (None, "-1", "/header/Last-Event-ID"),
    ],
)
def test_a_request_that_can_not_be_followed_is_refused_before_the_stream_starts(
    client, ids, last, pointer
):
    headers = {} if last is None else {"Last-Event-ID": last}
    answer = client.get(
        "/v1/events", params={} if ids is None else {"experiments": ids}, headers=headers
    )
    assert answer.status_code == 422
    assert {error["pointer"] for error in answer.json()["errors"]} == {pointer}


@pytest.mark.parametrize(
    ("parameters", "status", "pointer"),
    [
        ({"q": "nonsense ="}, 400, "/query/q"),
        ({"sweep": "swp_" + "0" * 32}, 422, "/query/sweep"),
        ({"types": "state,walker"}, 422, "/query/types"),
        ({"last": "-1"}, 422, "/query/last"),
    ],
)
def test_a_stream_that_selects_nothing_known_is_refused(client, parameters, status, pointer):
    answer = client.get("/v1/events", params=parameters)
    assert answer.status_code == status
    assert {error["pointer"] for error in answer.json()["errors"]} == {pointer}


def test_ids_are_not_combined_with_a_filter(client, submit):
    ids = submit().rpartition("/")[2]
    answer = client.get("/v1/events", params={"experiments": ids, "q": "state = queued"})
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (422, "exclusive")


def test_the_openapi_document_shows_a_stream(client):
    answers = client.get("/openapi.json").json()["paths"]["/v1/events"]["get"]["responses"]
    assert "event: state" in answers["200"]["content"]["text/event-stream"]["example"]


def test_every_state_follows_from_some_kind_of_event():
    assert {kind.state for kind in EventKind} == {
        "queued",
        "running",
        "paused",
        "completed",
        "failed",
        "cancelled",
    }


def test_an_event_that_is_committed_late_is_delivered(service, worker, module_postgres):
    """On PostgreSQL, an event may be committed after events with higher numbers."""
    late, early = submit(service), submit(service)
    with following(service, late, early) as stream:
        stream.until("state", id=early)
        with worker.database.engine.connect() as connection, connection.begin() as tx:
            connection.exec_driver_sql(
                "INSERT INTO events (experiment_id, at, kind, attempt, detail)"
                " VALUES (%s, 1, 'pause_requested', 0, '{}')",
                (late,),
            )
            act(service, early, "pause")
            stream.until("state", id=early, state="paused")
            tx.commit()
        assert stream.until("state", id=late)[0]["kind"] == "pause_requested"
