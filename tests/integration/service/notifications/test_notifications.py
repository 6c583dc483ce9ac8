"""Notifications over HTTP, sent by real processes to a real server."""

import os
import signal
import threading
from dataclasses import replace

import pytest

from service.notifications.notifier import Notifier
from store import notifications
from store.notifications import Subject, SubjectKind, Target
from tests.integration.service.conftest import body
from tests.integration.service.notifications.conftest import hurry
from tests.integration.service.process import served
from tests.integration.service.sweep_specs import K, sweep


def submit(client, notify, **changes):
    headers = {"X-Extrapolab-Notify": notify, "X-Extrapolab-User": "ada"}
    return client.post("/v1/experiments", json=body(**changes), headers=headers)


def change_settings(app, **changes):
    context = app.state.context
    app.state.context = replace(context, settings=context.settings.model_copy(update=changes))


def log(client):
    return client.get("/v1/notifications").json()["items"]


def test_an_experiment_is_told_of_once(client, app, notifier, worker, receiver):
    submitted = submit(client, f"team {receiver.url} {receiver.url}").json()
    assert submit(client, f"team {receiver.url}").json()["reused"]
    waiting = log(client)
    assert [(each["state"], each["of"]) for each in waiting] == [("waiting", submitted["id"])] * 2
    assert {each["target"] for each in waiting} == {
        "team",
        receiver.url.replace("hook/s3cret", "…"),
    }
    assert "s3cret" not in str(waiting)
    assert notifier.run_once() == 0

    worker.complete(worker.claim())
    assert notifier.run_once() == 2
    hurry(app)
    assert notifier.run_once() == 0
    news = receiver.received[0]
    assert len(receiver.received) == 2
    assert news["title"] == f"Experiment completed: {submitted['id']}"
    assert news["items"][0]["page"] == f"http://testserver/experiments/{submitted['id']}"
    assert "seeds" in news["text"]
    assert [(each["state"], each["attempts"]) for each in log(client)] == [("sent", 1)] * 2


def test_a_sweep_is_one_message(client, notifier, worker, receiver):
    headers = {"X-Extrapolab-Notify": "team"}
    answer = client.post("/v1/sweeps", json=sweep(K), headers=headers).json()
    for _ in range(2):
        worker.complete(worker.claim())
        assert notifier.run_once() == 0
    worker.fail(worker.claim(), "no luck", "")
    assert notifier.run_once() == 1
    [item] = receiver.received[0]["items"]
    assert (item["kind"], item["id"], item["state"]) == ("sweep", answer["id"], "incomplete")
    assert item["sentence"] == "Of 3 experiments: 2 completed, 1 failed."


def test_a_study_is_one_message_with_its_verdict(client, notifier, worker, receiver):
    submitted = client.post("/v1/studies/memoryless", headers={"X-Extrapolab-Notify": "team"})
    for arm in submitted.json()["sweeps"]:
        client.post(f"/v1/sweeps/{arm['id']}:cancel")
    assert notifier.run_once() == 1
    [item] = receiver.received[0]["items"]
    assert (item["kind"], item["id"], item["state"]) == ("study", "memoryless", "incomplete")
    assert "claims: " in item["sentence"]


def test_a_study_that_the_lab_lacks_by_now_is_told_of_as_removed(client, app, notifier, receiver):
    with app.state.context.database.write() as tx:
        gone = Subject(SubjectKind.STUDY, "gone/quick", [])
        team = Target("team", "team")
        notifications.request(tx, gone, [team], owner="ada", origin="http://lab")
    assert notifier.run_once() == 1
    assert receiver.received[0]["items"][0]["state"] == "removed"


def test_news_of_a_minute_come_in_one_message(client, app, notifier, receiver):
    paths = [submit(client, "team", seeds=[seed]).headers["location"] for seed in range(3)]
    client.post(f"{paths[0]}:cancel")
    assert notifier.run_once() == 1
    for path in paths[1:]:
        client.post(f"{path}:cancel")
    assert notifier.run_once() == 0
    hurry(app)
    assert notifier.run_once() == 1
    assert receiver.received[1]["title"] == "2 ended: 2 cancelled"
    assert len(set(receiver.received[1]["notifications"])) == 2


def test_a_failed_attempt_is_repeated_until_the_message_is_taken(client, app, notifier, receiver):
    receiver.statuses = [500, 429]
    test = client.post("/v1/notifications", json={"targets": ["team"]})
    assert (test.status_code, test.json()["items"][0]["kind"]) == (202, "test")
    for attempts, answer in enumerate((500, 429), 1):
        assert notifier.run_once() == 1
        [seen] = log(client)
        assert (seen["state"], seen["attempts"]) == ("due", attempts)
        assert seen["error"] == f"it answered {answer}"
        assert notifier.run_once() == 0  # its pause is not over
        hurry(app)
    assert notifier.run_once() == 1
    [seen] = log(client)
    assert (seen["state"], seen["attempts"], seen["error"]) == ("sent", 3, None)
    assert len(receiver.received) == 1


def test_redirects_and_refusals_are_final(client, app, notifier, receiver):
    receiver.statuses, receiver.location = [307, 404], "http://127.0.0.1:1/metadata"
    for words in ("it answered 307, and redirects are not followed", "it answered 404"):
        client.post("/v1/notifications", json={"targets": [receiver.url]})
        assert notifier.run_once() == 1
        newest = log(client)[0]
        assert (newest["state"], newest["error"], newest["attempts"]) == ("failed", words, 1)
        hurry(app)
    assert not receiver.received
    [notice] = client.get("/v1/attention").json()["items"]
    assert notice["kind"] == "not_notified"
    assert notice["sentence"].startswith("2 notifications of the last day could not be sent: http")


def test_a_service_is_sent_its_own_form(client, notifier, receiver):
    address = receiver.url.removeprefix("http://").partition("/")[0]
    client.post("/v1/notifications", json={"targets": [f"ntfy://{address}/topic"]})
    assert notifier.run_once() == 1
    assert [each["state"] for each in log(client)] == ["sent"], log(client)
    assert "reach you here" in str(receiver.received)


@pytest.mark.parametrize("scheme", ["http", "ntfy"])
def test_private_addresses_are_refused_wherever_a_name_leads(app, client, receiver, scheme):
    """A number is a name to us and 127.0.0.1 to the resolver, as a hostile domain may be."""
    settings = app.state.context.settings.model_copy(update={"notify_private": False})
    target = receiver.url.replace("127.0.0.1", "2130706433").replace("http", scheme)
    client.post("/v1/notifications", json={"targets": [target]})
    assert Notifier(app.state.context.database, settings).run_once() == 1
    [seen] = log(client)
    assert (seen["state"], receiver.arrived.is_set()) == ("failed", False)
    assert seen["error"].startswith("127.0.0.1 is an address of this machine")


def test_a_process_that_dies_while_it_sends_loses_nothing(
    app, client, notifier, receiver, sqlite_url
):
    receiver.gate = threading.Event()
    client.post("/v1/notifications", json={"targets": [receiver.url]})
    environment = {"EXTRAPOLAB_REAPER_SECONDS": "0.1", "EXTRAPOLAB_NOTIFY_PRIVATE": "1"}
    with served(sqlite_url, **environment) as service:
        assert receiver.arrived.wait(30)
        os.kill(service.pid, signal.SIGKILL)
        receiver.gate.set()  # for the message under way, of whose fate nobody knows any more
    [seen] = log(client)
    assert (seen["state"], seen["attempts"]) == ("due", 1)
    assert notifier.run_once() == 0  # the lease is not over
    hurry(app)
    assert notifier.run_once() == 1
    assert [(each["state"], each["attempts"]) for each in log(client)] == [("sent", 2)]
    assert {*map(str, (news["notifications"] for news in receiver.received))} == {"['1']"}


@pytest.mark.parametrize(
    ("target", "code"),
    [
        ("nobody", "unknown_target"),
        ("ftp://example.org/x", "unknown_scheme"),
        ("file:///etc/passwd", "unknown_scheme"),
        ("https://", "no_host"),
        ("http://127.0.0.1:8000/x", "private_address"),
        ("http://[::1]/x", "private_address"),
        ("http://169.254.169.254/latest", "private_address"),
        ("mailto://ada:secret@localhost", "private_address"),
        ("slack://T/B/C?template=/etc/passwd", "parameter"),
        ("https://example.org/" + "s" * 2000, "too_long"),
    ],
)
def test_targets_are_checked(app, client, target, code):
    change_settings(app, notify_private=False)
    answer = submit(client, target)
    assert answer.status_code == 422
    [problem] = answer.json()["errors"]
    assert (problem["pointer"], problem["code"]) == ("/header/X-Extrapolab-Notify", code)
    assert "secret" not in answer.text
    assert log(client) == []


def test_what_is_to_be_told_of_must_exist(client):
    for of in ("exp_" + "0" * 32, "swp_" + "0" * 32, "balanced"):
        answer = client.post("/v1/notifications", json={"of": of, "targets": ["team"]})
        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/of")


def test_the_default_target_is_for_what_names_none(app, client):
    change_settings(app, notify="default=https://example.org/x")
    client.post("/v1/experiments", json=body())
    submit(client, "none", seeds=[7])
    assert [each["target"] for each in log(client)] == ["default"]
