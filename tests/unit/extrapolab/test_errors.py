"""From an HTTP answer to an error, and from an error to an exit code."""

import json

import pytest

from core.errors import Problem
from extrapolab.errors import (
    Conflict,
    ExperimentCancelled,
    ExperimentFailed,
    LabUnreachable,
    NotFound,
    Refused,
    ServerProblem,
    error_of,
)
from extrapolab.exits import Exit, exit_of


def body(**more):
    return json.dumps({"type": "urn:x", "title": "The body is not valid", "status": 422, **more}).encode()


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, Refused),
        (404, NotFound),
        (409, Conflict),
        (412, Conflict),
        (413, Refused),
        (422, Refused),
        (428, Conflict),
        (429, Refused),
        (500, ServerProblem),
        (503, ServerProblem),
    ],
)
def test_each_status_has_its_error(status, kind):
    error = error_of(status, body(detail="so it is"))
    assert type(error) is kind
    assert error.status == status
    assert "so it is" in str(error)


def test_every_problem_is_kept_with_its_pointer():
    line = {"pointer": "/training/length", "code": "greater_than", "message": "should be above 0", "given": "0"}
    error = error_of(422, body(errors=[line, {"pointer": "", "code": "x", "message": "y", "allowed": "z"}]))
    assert error.problems == (
        Problem("/training/length", "greater_than", "should be above 0", "0"),
        Problem("", "x", "y", None, "z"),
    )
    assert str(error) == "The body is not valid\n/training/length: should be above 0 (given 0)\ny; allowed: z"


@pytest.mark.parametrize("answer", [b"", b"<html>Bad gateway</html>", b"[1]", b'"x"', b"\xff"])
def test_an_answer_that_is_no_problem_json_is_told_by_its_status(answer):
    assert "HTTP 502" in str(error_of(502, answer))
    assert "HTTP 418" in str(error_of(418, answer))


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (LabUnreachable("http://x", "refused"), Exit.UNREACHABLE),
        (ServerProblem(500, "x"), Exit.UNREACHABLE),
        (Refused(422, "x"), Exit.REFUSED),
        (NotFound(404, "x"), Exit.REFUSED),
        (Conflict(409, "x"), Exit.REFUSED),
        (ExperimentFailed("exp_1", "user", "x"), Exit.FAILED),
        (ExperimentCancelled("exp_1"), Exit.FAILED),
    ],
)
def test_each_error_has_its_exit_code(error, code):
    assert exit_of(error) is code


def test_an_unreachable_lab_is_named_with_the_way_to_start_one():
    message = str(LabUnreachable("http://lab:8000", "Connection refused"))
    assert "http://lab:8000" in message
    assert "extrapolab up" in message
    assert "EXTRAPOLAB_URL" in message


def test_a_failed_experiment_says_why_and_where_its_log_is():
    error = ExperimentFailed("exp_1", "out_of_memory", "The trainer needed more than 100 MB.")
    assert "out_of_memory" in str(error)
    assert "The trainer needed more than 100 MB." in str(error)
    assert "extrapolab log exp_1" in str(error)
