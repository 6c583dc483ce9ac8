"""The HTTP seam, over real sockets: what is asked again, what is not, and what every failure becomes."""

import json
import socket
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest

from extrapolab.client.transport import FIRST_PATIENCE, Transport, checked_url
from extrapolab.errors import LabUnreachable, Refused, ServerProblem

DROP = None
"""An answer that never comes: the connection is closed."""


HALF = b'{"fine": '
"""A body that breaks off."""


class Script(ThreadingHTTPServer):
    """Gives one answer of a list to each request, the last one for ever, and keeps what was asked."""

    daemon_threads = True

    def __init__(self, answers, port=0):
        super().__init__(("127.0.0.1", port), _Handler)
        self.answers, self.asked = list(answers), []

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        content = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.asked.append((self.command, self.path, dict(self.headers), content))
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
    with Script(answers) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture
def talk():
    opened = []

    def to(url, patience=10.0):
        opened.append(Transport(url, user="ada", patience=patience))
        return opened[-1]

    yield to
    for transport in opened:
        transport.close()


@pytest.mark.parametrize("first", [DROP, AWAY, (502, {}, b"")])
def test_a_read_is_asked_again_while_the_lab_is_away(talk, first):
    with serving(first, first, OK) as server:
        assert talk(server.url).get("/v1/x") == {"fine": True}
        assert len(server.asked) == 3


@pytest.mark.parametrize("first", [DROP, AWAY, (200, {}, HALF)])
def test_a_file_that_breaks_off_is_asked_for_again(talk, first, tmp_path):
    with serving(first, first, OK) as server:
        talk(server.url).download("/v1/export", {"q": None, "what": "runs"}, tmp_path / "runs.csv")
        assert [path for _, path, _, _ in server.asked] == ["/v1/export?what=runs"] * 3
    assert [(file.name, file.read_bytes()) for file in tmp_path.iterdir()] == [("runs.csv", OK[2])]


@pytest.mark.parametrize(
    ("answer", "error"),
    [((200, {}, HALF), LabUnreachable), ((422, {}, b'{"title": "no"}'), Refused)],
)
def test_there_is_no_file_of_what_never_came_whole(talk, answer, error, tmp_path):
    with serving(answer) as server, pytest.raises(error):
        talk(server.url, patience=0.2).download("/v1/export", None, tmp_path / "runs.csv")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("first", [DROP, AWAY, (409, {"Retry-After": "0"}, b"{}")])
def test_a_submission_is_sent_again_under_the_same_key(talk, first):
    with serving(first, OK) as server:
        talk(server.url).post("/v1/x", {"a": 1}, idempotency_key="once")
        assert [headers["Idempotency-Key"] for _, _, headers, _ in server.asked] == ["once", "once"]
        assert server.asked[0][3] == server.asked[1][3]


@pytest.mark.parametrize(("first", "error"), [(DROP, LabUnreachable), (AWAY, ServerProblem)])
def test_a_request_that_may_have_been_done_is_not_sent_again(talk, first, error):
    with serving(first, OK) as server:
        with pytest.raises(error):
            talk(server.url).post("/v1/x:cancel")
        assert len(server.asked) == 1


def test_a_refusal_is_not_asked_again(talk):
    with serving((422, {}, b'{"title": "no"}'), OK) as server:
        with pytest.raises(Refused, match="no"):
            talk(server.url).post("/v1/x", {}, idempotency_key="once")
        assert len(server.asked) == 1


def test_patience_ends_with_the_last_error(talk):
    with serving(AWAY) as server:
        with pytest.raises(ServerProblem, match="The database is away"):
            talk(server.url, patience=0.5).get("/v1/x")
        assert len(server.asked) > 1


def test_a_lab_that_never_answered_is_given_up_soon(talk, unused_port):
    began = time.monotonic()
    with pytest.raises(LabUnreachable, match=f"http://127.0.0.1:{unused_port} .*refused"):
        talk(f"http://127.0.0.1:{unused_port}", patience=60).get("/v1/x")
    assert time.monotonic() - began < 3


def test_a_lab_that_has_answered_is_waited_for(talk):
    with serving(OK) as server:
        transport = talk(server.url, patience=30)
        transport.get("/v1/x")
        port = server.server_port
    restarted = threading.Timer(FIRST_PATIENCE + 0.5, lambda: serve_once(port))
    restarted.daemon = True
    restarted.start()
    assert transport.get("/v1/x") == {"fine": True}
    restarted.join()


def serve_once(port):
    with Script([OK], port) as server:
        server.timeout = 20
        server.handle_request()


@pytest.fixture
def unused_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


def test_what_is_no_json_is_no_lab(talk):
    with (
        serving((200, {}, b"<html>hello</html>")) as server,
        pytest.raises(ServerProblem, match=r"is .* an Extrapolab"),
    ):
        talk(server.url).get("/v1/x")


def test_parameters_that_are_not_given_are_not_sent(talk):
    with serving(OK) as server:
        talk(server.url).get("/v1/x", {"tag": None, "limit": 5})
        assert server.asked[0][1] == "/v1/x?limit=5"


def test_arrays_are_sent_as_lists_and_nan_is_left_to_the_lab(talk):
    with serving(OK) as server:
        talk(server.url).post(
            "/v1/x", {"A": np.eye(2), "lr": np.float64(0.5), "n": np.int64(3), "bad": float("nan")}
        )
        sent = server.asked[0][3]
        assert json.loads(sent)["A"] == [[1.0, 0.0], [0.0, 1.0]]
        assert b"NaN" in sent


def test_a_path_under_the_url_is_kept(talk):
    with serving(OK) as server:
        talk(f"{server.url}/lab/").get("/v1/x")
        assert server.asked[0][1] == "/lab/v1/x"


@pytest.mark.parametrize("url", ["localhost:8000", "ftp://lab", "http://", "", "http://lab:port"])
def test_a_url_where_no_lab_can_be_is_refused_with_the_right_form(url):
    with pytest.raises(ValueError, match="URL"):
        checked_url(url)
