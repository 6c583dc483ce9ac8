"""What can go wrong when talking to a lab, by what the caller can do about it.

    ExtrapolabError (core.errors) └── LabError ├── LabUnreachable       no lab answers at this URL:
        start one, or name another ├── Refused              the lab does not take what was sent:
        change it; ``problems`` name the fields │   ├── NotFound         there is no such thing │
        └── Conflict         the state of the thing forbids it ├── ServerProblem        the lab
        answered with an error of its own: look at its log ├── ExperimentFailed     the experiment
        ended in state ``failed``; ``sentence`` says why └── ExperimentCancelled  the experiment was
        cancelled before its end

A diverged run is none of these: it is a result.
"""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from core.errors import ExtrapolabError, Problem
from extrapolab.problems import line

_TITLES = {
    "urn:extrapolab:problem:invalid-body": "What was sent is not valid",
    "urn:extrapolab:problem:invalid-parameter": "An argument is not valid",
}
"""Kinds of problems that are called by a word of HTTP there."""


class LabError(ExtrapolabError):
    """The lab could not do what it was asked for."""


class LabUnreachable(LabError):
    """No lab answers at the URL."""

    def __init__(self, url: str, cause: str) -> None:
        """Names the URL, what went wrong there, and what to do."""
        why = re.sub(r"^\[Errno [^]]*] ", "", cause)
        super().__init__(
            f"No lab answers at {url} ({why}). Start one with 'extrapolab up', "
            "or name the URL of a running one: EXTRAPOLAB_URL=http://host:port"
        )
        self.url = url


class Refused(LabError):
    """The lab does not take what was sent."""

    def __init__(self, status: int, message: str, problems: Sequence[Problem] = ()) -> None:
        """Keeps the HTTP status and every problem; the message lists them all."""
        super().__init__("\n".join([message, *map(line, problems)]))
        self.status = status
        self.problems = tuple(problems)


class NotFound(Refused):
    """The lab has no such thing."""


class Conflict(Refused):
    """The state of the thing forbids it."""


class ServerProblem(LabError):
    """The lab answered with an error of its own."""

    def __init__(self, status: int, message: str) -> None:
        """Keeps the HTTP status."""
        super().__init__(message)
        self.status = status


class ExperimentFailed(LabError):
    """The experiment ended in state ``failed``."""

    def __init__(self, experiment_id: str, kind: str, sentence: str) -> None:
        """Keeps the kind for programs and the sentence for people; the message says where the whole log is."""
        super().__init__(
            f"Experiment {experiment_id} failed ({kind}): {sentence} 'extrapolab log {experiment_id}' shows its log."
        )
        self.experiment_id = experiment_id
        self.kind = kind
        self.sentence = sentence


class ExperimentCancelled(LabError):
    """The experiment was cancelled before its end."""

    def __init__(self, experiment_id: str) -> None:
        """Says how to run it again."""
        super().__init__(
            f"Experiment {experiment_id} was cancelled. 'extrapolab retry {experiment_id}' runs it again."
        )
        self.experiment_id = experiment_id


def error_of(status: int, body: bytes) -> LabError:
    """The error that an answer of HTTP ``status`` >= 400 stands for, read from its problem+json (RFC 9457) ``body``."""
    answer = _problem_json(body)
    problems = [_problem(told) for told in answer.get("errors") or () if isinstance(told, Mapping)]
    title = _TITLES.get(str(answer.get("type"))) or answer.get("title")
    message = str(
        (title if problems else answer.get("detail")) or title or f"the lab answered HTTP {status}"
    )
    if status >= 500:
        lines = "".join(f"\n{line(problem)}" for problem in problems)
        return ServerProblem(status, f"The lab has a problem of its own: {message}{lines}")
    kind = {404: NotFound, 409: Conflict, 412: Conflict, 428: Conflict}.get(status, Refused)
    return kind(status, message, problems)


def _problem_json(body: bytes) -> Mapping[str, Any]:
    try:
        read = json.loads(body)
    except ValueError:  # a proxy's page, or another server
        return {}
    return read if isinstance(read, Mapping) else {}


def _problem(told: Mapping[str, Any]) -> Problem:
    return Problem(
        pointer=str(told.get("pointer", "")),
        code=str(told.get("code", "")),
        message=str(told.get("message", "")),
        given=told.get("given"),
        allowed=told.get("allowed"),
        column=told.get("column"),
    )
