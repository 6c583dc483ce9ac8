"""HTTP access over real sockets: which requests are retried, and which error a failure raises."""

import json
import re
import socket
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest

from extrapolab.client.connection.transport import FIRST_PATIENCE, Transport, checked_url
from extrapolab.errors import LabUnreachable, Refused, ServerProblem

DROP = None
"""No answer: the connection is closed."""

HALF = b'{"fine": '
"""A body that ends too early."""


class ScriptedServer(ThreadingHTTPServer):
    """Answers each request with the next answer of a list, repeats the last, keeps the requests."""

    daemon_threads = True

    def __init__(self, answers, port=0):
        super().__init__(("127.0.0.1", port), _Handler)
        self.answers, self.requests = list(answers), []

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        content = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.requests.append((self.command, self.path, dict(self.headers), content))
        answer = (
            self.server.answers.pop(0) if len(self.server.answers) > 1 else self.server.answers[0]
        )
        if answer is DROP:
            self.connection.shutdown(socket.SHUT_RDWR)
            return
        status, headers, body = answer
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        broken = body is HALF
        self.send_header("Content-Length", str(len(body) + broken))
        self.end_headers()
        self.wfile.write(body)
        self.close_connection = broken

    do_POST = do_GET  # noqa: N815  # named by the base

    def log_message(self, *args):
        """Keeps the test's output clean."""


OK = (200, {}, b'{"fine": true}')
AWAY = (503, {"Retry-After": "0"}, b'{"title": "The database is away"}')


@contextmanager
def serving(*answers):
    with ScriptedServer(answers) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture
def connect():
    opened = []

    def to(url, patience=10.0):
        opened.append(Transport(url, user="ada", patience=patience))
        return opened[-1]

    yield to
    for transport in opened:
        transport.close()


@pytest.mark.parametrize("first", [DROP, AWAY, (502, {}, b"")])
def test_read_is_retried_while_the_lab_is_away(connect, first):
    with serving(first, first, OK) as server:
        assert connect(server.url).get("/v1/x") == {"fine": True}
        assert len(server.requests) == 3


@pytest.mark.parametrize("first", [DROP, AWAY, (200, {}, HALF)])
def test_interrupted_download_is_retried(connect, first, tmp_path):
    with serving(first, first, OK) as server:
        connect(server.url).download(
            "/v1/export", {"q": None, "what": "runs"}, tmp_path / "runs.csv"
        )
        assert [path for _, path, _, _ in server.requests] == ["/v1/export?what=runs"] * 3
    assert [(file.name, file.read_bytes()) for file in tmp_path.iterdir()] == [("runs.csv", OK[2])]


@pytest.mark.parametrize(
    ("answer", "error"),
    [((200, {}, HALF), LabUnreachable), ((422, {}, b'{"title": "no"}'), Refused)],
)
def test_incomplete_download_leaves_no_file(connect, answer, error, tmp_path):
    with serving(answer) as server, pytest.raises(error):
        connect(server.url, patience=0.2).download("/v1/export", None, tmp_path / "runs.csv")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("first", [DROP, AWAY, (409, {"Retry-After": "0"}, b"{}")])
def test_submission_is_retried_under_the_same_key(connect, first):
    with serving(first, OK) as server:
        connect(server.url).post("/v1/x", {"a": 1}, idempotency_key="once")
        assert [headers["Idempotency-Key"] for _, _, headers, _ in server.requests] == [
            "once",
            "once",
        ]
        assert server.requests[0][3] == server.requests[1][3]


@pytest.mark.parametrize(("first", "error"), [(DROP, LabUnreachable), (AWAY, ServerProblem)])
def test_request_that_may_have_taken_effect_is_not_retried(connect, first, error):
    with serving(first, OK) as server:
        with pytest.raises(error):
            connect(server.url).post("/v1/x:cancel")
        assert len(server.requests) == 1


def test_refused_request_is_not_retried(connect):
    with serving((422, {}, b'{"title": "no"}'), OK) as server:
        with pytest.raises(Refused, match="no"):
            connect(server.url).post("/v1/x", {}, idempotency_key="once")
        assert len(server.requests) == 1


def test_last_error_is_raised_when_patience_ends(connect):
    with serving(AWAY) as server:
        with pytest.raises(ServerProblem, match="The database is away"):
            connect(server.url, patience=0.5).get("/v1/x")
        assert len(server.requests) > 1


def test_lab_that_never_answered_is_given_up_soon(connect, unused_port):
    started = time.monotonic()
    with pytest.raises(LabUnreachable, match=f"http://127.0.0.1:{unused_port} .*refused"):
        connect(f"http://127.0.0.1:{unused_port}", patience=60).get("/v1/x")
    assert time.monotonic() - started < 3


def test_lab_that_has_answered_is_waited_for(connect):
    with serving(OK) as server:
        transport = connect(server.url, patience=30)
        transport.get("/v1/x")
        port = server.server_port
    restarted = threading.Timer(FIRST_PATIENCE + 0.5, lambda: serve_once(port))
    restarted.daemon = True
    restarted.start()
    assert transport.get("/v1/x") == {"fine": True}
    restarted.join()


def serve_once(port):
    with ScriptedServer([OK], port) as server:
        server.timeout = 20
        server.handle_request()


@pytest.fixture
def unused_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


def test_answer_that_is_not_json_is_not_from_a_lab(connect):
    with (
        serving((200, {}, b"<html>hello</html>")) as server,
        pytest.raises(ServerProblem, match=r"is .* an Extrapolab"),
    ):
        connect(server.url).get("/v1/x")


def test_parameters_that_are_none_are_not_sent(connect):
    with serving(OK) as server:
        connect(server.url).get("/v1/x", {"tag": None, "limit": 5})
        assert server.requests[0][1] == "/v1/x?limit=5"


def test_arrays_are_sent_as_lists_and_nan_as_it_is(connect):
    with serving(OK) as server:
        connect(server.url).post(
            "/v1/x", {"A": np.eye(2), "lr": np.float64(0.5), "n": np.int64(3), "bad": float("nan")}
        )
        sent = server.requests[0][3]
        assert json.loads(sent)["A"] == [[1.0, 0.0], [0.0, 1.0]]
        assert b"NaN" in sent


def test_path_of_the_url_is_kept(connect):
    with serving(OK) as server:
        connect(f"{server.url}/lab/").get("/v1/x")
        assert server.requests[0][1] == "/lab/v1/x"


@pytest.mark.parametrize("url", ["localhost:8000", "ftp://lab", "http://", "", "http://lab:port"])
def test_malformed_url_is_refused_with_the_right_form(url):
    with pytest.raises(ValueError, match="URL"):
        checked_url(url)


@pytest.mark.parametrize("url", ["http://me:qx7/zk9@host", "ftp://me:qx7zk9@host"])
def test_a_refused_url_shows_no_part_of_its_password(url):
    with pytest.raises(ValueError, match="the lab's URL should look like") as caught:
        checked_url(url)
    assert not re.search("qx7|zk9", str(caught.value))


def test_an_unreachable_lab_is_named_without_its_password():
    transport = Transport("http://me:qx7zk9@127.0.0.1:1", user=None, patience=0)
    with pytest.raises(LabUnreachable, match=r"at http://127\.0\.0\.1:1 ") as caught:
        transport.get("/healthz")
    assert "qx7" not in str(caught.value)
    transport.close()


@pytest.mark.parametrize(
    ("user", "header"),
    [("Jörg Müller", "J%C3%B6rg M%C3%BCller"), ("ada's agent", "ada's agent"), ("50%", "50%25")],
)
def test_a_name_that_is_not_ascii_is_percent_encoded(user, header):
    transport = Transport("http://127.0.0.1:1", user=user, patience=0)
    assert transport._client.headers["X-Extrapolab-User"] == header
    transport.close()
