"""Errors made from HTTP answers, and exit codes made from errors."""

import json

import pytest

from core.errors import Problem
from extrapolab.cli.exit_codes import ExitCode, exit_code_of
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
from extrapolab.problems import format_problem


def body(**members):
    return json.dumps(
        {"type": "urn:x", "title": "The body is not valid", "status": 422, **members}
    ).encode()


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
    error = error_of(status, body(detail="it is taken"))
    assert type(error) is kind
    assert error.status == status
    assert "it is taken" in str(error)


def test_every_problem_is_kept_with_its_pointer():
    length = {
        "pointer": "/training/length",
        "code": "greater_than",
        "message": "should be above 0",
        "given": "0",
    }
    error = error_of(
        422, body(errors=[length, {"pointer": "", "code": "x", "message": "y", "allowed": "z"}])
    )
    assert error.problems == (
        Problem("/training/length", "greater_than", "should be above 0", "0"),
        Problem("", "x", "y", None, "z"),
    )
    assert (
        str(error)
        == "The body is not valid\ntraining.length: should be above 0 (given 0)\ny; allowed: z"
    )


def test_refusal_does_not_speak_of_http():
    unknown = {
        "pointer": "/query/q",
        "code": "bad",
        "message": "column 1: unknown field",
        "given": "'foo'",
    }
    kind = "urn:extrapolab:problem:invalid-parameter"
    message = str(error_of(422, body(type=kind, errors=[unknown])))
    assert message == "An argument is not valid\nfilter: column 1: unknown field (given 'foo')"
    message = str(error_of(503, body(title="The database is away", errors=[{"message": "wait"}])))
    assert message == "The lab failed: The database is away\nwait"


@pytest.mark.parametrize("kind", ["invalid-body", "invalid-parameter", "body-too-large"])
def test_titles_that_speak_of_http_are_replaced(kind):
    problem = {"pointer": "", "message": "the body should be at most 8 bytes long"}
    message = str(error_of(422, body(type=f"urn:extrapolab:problem:{kind}", errors=[problem])))
    assert "body" not in message
    assert message.endswith("\nthe input should be at most 8 bytes long")


@pytest.mark.parametrize(
    ("message", "allowed", "expected"),
    [
        ("should be a valid integer", None, "should be a whole number (given 1)"),
        (
            "should be a valid dictionary or instance of Evaluation",
            None,
            "should be an object with named fields (given 1)",
        ),
        (
            "String should have at most 3 characters",
            None,
            "should have at most 3 characters (given 1)",
        ),
        ("should be less than or equal to 5", None, "should be at most 5 (given 1)"),
        ("should be 'a' or 'b'", "'a' or 'b'", "should be 'a' or 'b' (given 1)"),
        (
            "unknown field",
            "a, ... (GET /v1/fields lists all)",
            "unknown field (given 1); allowed: a, ... (",
        ),
    ],
)
def test_problem_names_field_given_and_allowed_in_plain_words(message, allowed, expected):
    line = format_problem(Problem("/a~1b/0", "code", message, "1", allowed))
    assert line.startswith(f"a/b.0: {expected}")
    assert "GET" not in line


@pytest.mark.parametrize("answer", [b"", b"<html>Bad gateway</html>", b"[1]", b'"x"', b"\xff"])
def test_answer_without_problem_json_is_described_by_its_status(answer):
    assert "status 502" in str(error_of(502, answer))
    assert "status 418" in str(error_of(418, answer))


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (LabUnreachable("http://x", "refused"), ExitCode.UNREACHABLE),
        (ServerProblem(500, "x"), ExitCode.UNREACHABLE),
        (Refused(422, "x"), ExitCode.REFUSED),
        (NotFound(404, "x"), ExitCode.REFUSED),
        (Conflict(409, "x"), ExitCode.REFUSED),
        (ExperimentFailed("exp_1", "user", "x"), ExitCode.FAILED),
        (ExperimentCancelled("exp_1"), ExitCode.FAILED),
    ],
)
def test_each_error_has_its_exit_code(error, code):
    assert exit_code_of(error) is code


def test_unreachable_lab_is_named_with_the_way_to_start_one():
    message = str(LabUnreachable("http://lab:8000", "[Errno 111] Connection refused"))
    assert "(Connection refused)" in message
    assert "http://lab:8000" in message
    assert "extrapolab up" in message
    assert "EXTRAPOLAB_URL" in message


def test_failed_experiment_says_why_and_where_its_log_is():
    error = ExperimentFailed("exp_1", "out_of_memory", "The trainer needed more than 100 MB.")
    assert "out_of_memory" in str(error)
    assert "The trainer needed more than 100 MB." in str(error)
    assert "extrapolab log exp_1" in str(error)
