"""The Python client and a whole lab."""

import re
import socket
import threading
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import numpy as np
import pytest

from core.result import SERIES, Outcome
from core.spec import ExperimentSpec
from extrapolab import Conflict, ExperimentCancelled, ExperimentFailed, Lab, NotFound, Refused
from extrapolab.client.connection.transport import Transport


def test_experiment_from_submission_to_result(client, spec, tmp_path):
    submitted = spec(name="from start to end", tags=["client"])
    states = []
    experiment = client.submit(submitted).wait(
        timeout=60, observe=lambda refreshed: states.append(refreshed.state)
    )
    assert not experiment.reused
    assert states[-1] == "completed"
    assert experiment.spec == ExperimentSpec.model_validate(submitted)

    result = experiment.result()
    assert [run.seed for run in result.runs] == submitted["seeds"]
    assert repr([run.summary for run in result.runs]) == repr(
        [run.summary for run in experiment.runs]
    )  # NaN, too
    assert len(result.teacher_response) == len(result.runs[0].response) == 12
    assert result.runs[0].outcome is Outcome.STEP_BUDGET_SPENT

    series = experiment.series()
    assert list(series) == ["seed", "step", *SERIES]
    assert series["seed"].dtype == np.int64
    assert set(series["seed"].tolist()) == set(submitted["seeds"])
    assert series["train_loss"][series["step"] == 50].tolist() == [
        run.summary["train_loss"] for run in result.runs
    ]
    assert list(experiment.series(["imbalance"])) == ["seed", "step", "imbalance"]
    last = experiment.series(["train_loss"], since_step=49, max_points=2)
    assert last["step"].tolist() == [50] * len(submitted["seeds"])

    assert experiment.figure("response", tmp_path / "r.svg").read_bytes().startswith(b"<?xml")
    assert experiment.figure("training", tmp_path / "t.png").read_bytes().startswith(b"\x89PNG")
    assert experiment.events()[-1].kind == "completed"
    assert "ended at step 50" in experiment.log()[0].text


def test_validated_spec_and_mapping_with_arrays_are_the_same_experiment(client, spec):
    A, B = np.diag([0.5, 0.25]), np.ones((2, 1))
    plain = spec(teacher={"kind": "explicit", "A": A, "B": B, "C": B.T})
    listed = {
        **plain,
        "teacher": {"kind": "explicit", "A": A.tolist(), "B": B.tolist(), "C": B.T.tolist()},
    }
    first = client.submit(plain)
    second = client.submit(ExperimentSpec.model_validate(listed))
    assert second.id == first.id
    assert second.reused


def test_equal_experiment_is_reused_unless_rerun(client, spec):
    given = spec()
    first = client.submit(given)
    assert (client.submit(given).id, client.submit(given).reused) == (first.id, True)
    again = client.submit(given, on_duplicate="rerun")
    assert again.id != first.id
    assert not again.reused


def test_experiment_with_the_tags_of_many_submissions_is_listed(client, spec):
    given = spec()
    for half in range(2):
        experiment = client.submit(
            given | {"tags": ["merged", *(f"{half}-{number}" for number in range(50))]}
        )
    (found,) = client.experiments(tag="merged")
    assert (found.id, len(found.record.tags), len(found.spec.tags)) == (experiment.id, 101, 101)


@contextmanager
def proxy_losing_the_first_answer(url):
    """A proxy of ``url`` that drops the first answer."""
    target = (urlsplit(url).hostname, urlsplit(url).port)
    listener = socket.create_server(("127.0.0.1", 0))

    def forward():
        for number in range(2):
            client, _ = listener.accept()
            with client, socket.create_connection(target) as server:
                server.sendall(read_message(client))
                answer = read_message(server)
                if number > 0:
                    client.sendall(answer)

    threading.Thread(target=forward, daemon=True).start()
    with listener:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


def read_message(connection):
    """Reads head and body of the next request or answer."""
    message = b""
    while True:
        message += connection.recv(65536)
        head, _, body = message.partition(b"\r\n\r\n")
        length = re.search(rb"(?i)content-length: (\d+)", head)
        if length and len(body) == int(length[1]):
            return message


def test_submission_whose_answer_is_lost_is_queued_once(client, lab, spec):
    submitted = spec(tags=["lost-answer"])
    with proxy_losing_the_first_answer(lab.url) as url, Lab(url) as proxied:
        experiment = proxied.submit(submitted, on_duplicate="rerun")
    assert [found.id for found in client.experiments(tag="lost-answer")] == [experiment.id]


def test_invalid_spec_is_refused_with_every_problem(client, spec):
    invalid = spec(
        training={"length": 0},
        optimizer={"lr": float("nan")},
        student={"kind": "linear", "dims": 6},
    )
    for call in (client.submit, client.check):
        with pytest.raises(Refused) as caught:
            call(invalid)
        pointers = {problem.pointer for problem in caught.value.problems}
        assert pointers >= {"/training/length", "/optimizer/lr", "/student/dims"}
        assert "did you mean 'dim'" in str(caught.value)


def test_check_stores_nothing(client, spec):
    given = spec(tags=["only-checked"], student={"kind": "linear", "dim": 2})
    check = client.check(given)
    assert check.spec == ExperimentSpec.model_validate(given)
    assert check.cost.flop > 0
    assert check.warnings  # d <= k
    assert list(client.experiments(tag="only-checked")) == []


def test_a_teacher_is_shown_before_any_experiment_has_it(client):
    shown = client.preview_teacher({"kind": "delay", "lag": 2}, horizon=4)
    assert (shown.response, len(shown.poles)) == ((0.0, 0.0, 1.0, 0.0), 3)
    with pytest.raises(Refused, match="lag"):
        client.preview_teacher({"kind": "delay", "lag": 2.5})


def test_unknown_id_is_not_found(client):
    with pytest.raises(NotFound, match="exp_0000"):
        client.experiment("exp_" + "0" * 32)


def test_cancelled_experiment_raises_and_can_be_retried(client, endless):
    experiment = client.submit(endless())
    with pytest.raises(Conflict):
        experiment.result()
    experiment.cancel()
    with pytest.raises(ExperimentCancelled, match=experiment.id):
        experiment.wait(timeout=30)
    assert experiment.retry().state in {"queued", "running"}
    with pytest.raises(Conflict, match="retry"):
        experiment.retry()
    experiment.cancel()


def test_failed_experiment_raises_its_reason(client, endless):
    experiment = client.submit(endless(), max_seconds=0.5)
    with pytest.raises(ExperimentFailed) as caught:
        experiment.wait(timeout=60)
    assert caught.value.kind == "timeout"
    assert caught.value.sentence == experiment.failure.sentence


def test_waiting_times_out_and_the_experiment_keeps_running(client, endless):
    experiment = client.submit(endless())
    with pytest.raises(TimeoutError, match="is still"):
        experiment.wait(timeout=0.3)
    assert experiment.refresh().state in {"queued", "running"}
    experiment.cancel()


def test_experiment_is_not_started_before_its_time(client, endless):
    later = datetime.now(UTC) + timedelta(hours=1)  # noqa: TID251  # a test has a clock
    experiment = client.submit(endless(), not_before=later, priority=7)
    assert experiment.record.not_before == later
    assert (experiment.state, experiment.record.priority) == ("queued", 7)
    assert experiment.record.queue.position >= 1
    assert experiment.pause().state == "paused"
    with pytest.raises(Conflict, match="cannot pause"):
        experiment.pause()
    assert experiment.resume().state == "queued"
    assert experiment.cancel().state == "cancelled"
    with pytest.raises(ValueError, match="time zone"):
        client.submit(endless(), not_before=later.replace(tzinfo=None))


def test_lists_are_fetched_page_by_page_newest_first(client, lab, endless):
    ids = [client.submit(endless(tags=["pages"]), priority=-100).id for _ in range(5)]
    transport = Transport(lab.url, user=None, patience=10)
    paged = transport.items("/v1/experiments", {"tag": "pages", "limit": 2})
    assert [item["id"] for item in paged] == ids[::-1]
    transport.close()
    assert [found.id for found in client.experiments(tag="pages", limit=3)] == ids[:1:-1]
    assert [found.id for found in client.experiments(tag="pages", state="completed")] == []
    for found in client.experiments(tag="pages"):
        found.cancel()


def test_user_becomes_the_owner(lab, spec):
    with Lab(lab.url, user="ada") as ada:
        assert ada.submit(spec()).record.owner == "ada"


def test_workers_are_listed(client):
    workers = client.workers()
    assert len(workers) == 2
    assert all(worker.device == "cpu" and worker.heartbeat_age_seconds < 30 for worker in workers)


def test_studies_are_listed_and_report_claims_as_not_run(client):
    (balanced,) = [study for study in client.studies() if study.name == "balanced"]
    assert balanced.experiments["quick"] > 0
    report = client.study("balanced", "full").report()
    assert report.state == "not_started"
    assert {claim.verdict for claim in report.claims} == {"not_run"}
    with pytest.raises(NotFound, match="nonsense"):
        client.study("nonsense").submit()
