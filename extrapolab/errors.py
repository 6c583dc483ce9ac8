"""Errors of talking to a lab, grouped by what the caller can do about them.

    ExtrapolabError (core.errors)
    └── LabError
        ├── LabUnreachable       no lab answers at this URL: start one, or name another
        ├── Refused              the lab refuses the input: change it; ``problems`` name the fields
        │   ├── NotFound         the lab has nothing of this name or id
        │   └── Conflict         the current state forbids it
        ├── ServerProblem        the lab itself failed: look at its log
        ├── BadEnvironment       variables of the environment allow no connection: change them
        ├── ExperimentFailed     the experiment failed; ``sentence`` says why
        └── ExperimentCancelled  the experiment was cancelled before it completed

A diverged run is not an error; it is a result.
"""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from core.errors import ExtrapolabError, Problem
from extrapolab.problems import format_problem

_TITLES = {
    "urn:extrapolab:problem:invalid-body": "The input is not valid",
    "urn:extrapolab:problem:invalid-parameter": "An argument is not valid",
    "urn:extrapolab:problem:body-too-large": "The input is too large",
}
"""Replacements for titles that speak of HTTP, by problem type."""


class LabError(ExtrapolabError):
    """The lab could not do what was asked."""


class LabUnreachable(LabError):
    """No lab answers at the URL."""

    def __init__(self, url: str, cause: str) -> None:
        """Names the URL, the cause, and what to do."""
        reason = re.sub(r"^\[Errno [^]]*] ", "", cause)
        super().__init__(
            f"No lab answers at {url} ({reason}). Start one with 'extrapolab up', "
            "or name the URL of a running one: EXTRAPOLAB_URL=http://host:port"
        )
        self.url = url


class Refused(LabError):
    """The lab refuses the input."""

    def __init__(
        self, status: int, message: str, problems: Sequence[Problem] = (), example: Any = None
    ) -> None:
        """Keeps the HTTP status and every problem; the message lists them, and shows an example."""
        shown = [] if example is None else [f"For example: {json.dumps(example)}"]
        super().__init__("\n".join([message, *map(format_problem, problems), *shown]))
        self.status = status
        self.problems = tuple(problems)


class NotFound(Refused):
    """The lab has nothing of this name or id."""


class Conflict(Refused):
    """The current state forbids it."""


class ServerProblem(LabError):
    """The lab itself failed."""

    def __init__(self, status: int, message: str) -> None:
        """Keeps the HTTP status."""
        super().__init__(message)
        self.status = status


class BadEnvironment(LabError):
    """Variables of the environment, such as a proxy's, allow no connection."""


class ExperimentFailed(LabError):
    """The experiment failed."""

    def __init__(self, experiment_id: str, kind: str, sentence: str) -> None:
        """Keeps the kind for programs and the sentence for people; the message names the log."""
        super().__init__(
            f"Experiment {experiment_id} failed ({kind}): {sentence} "
            f"'extrapolab log {experiment_id}' shows its log."
        )
        self.experiment_id = experiment_id
        self.kind = kind
        self.sentence = sentence


class ExperimentCancelled(LabError):
    """The experiment was cancelled before it completed."""

    def __init__(self, experiment_id: str) -> None:
        """Says how to run it again."""
        super().__init__(
            f"Experiment {experiment_id} was cancelled. "
            f"'extrapolab retry {experiment_id}' runs it again."
        )
        self.experiment_id = experiment_id


def error_of(status: int, body: bytes) -> LabError:
    """Returns the error for an HTTP ``status`` >= 400 and its problem+json ``body`` (RFC 9457)."""
    answer = _parse_object(body)
    problems = [_problem(item) for item in answer.get("errors") or () if isinstance(item, Mapping)]
    title = _TITLES.get(str(answer.get("type"))) or answer.get("title")
    detail = None if problems else answer.get("detail")
    message = str(detail or title or f"The lab gave no reason (status {status})")
    if status >= 500:
        lines = "".join(f"\n{format_problem(problem)}" for problem in problems)
        return ServerProblem(status, f"The lab failed: {message}{lines}")
    kind = {404: NotFound, 409: Conflict, 412: Conflict, 428: Conflict}.get(status, Refused)
    return kind(status, message, problems, example=answer.get("example"))


def _parse_object(body: bytes) -> Mapping[str, Any]:
    try:
        answer = json.loads(body)
    except ValueError:  # a proxy's page, or another server's
        return {}
    return answer if isinstance(answer, Mapping) else {}


def _problem(item: Mapping[str, Any]) -> Problem:
    return Problem(
        pointer=str(item.get("pointer", "")),
        code=str(item.get("code", "")),
        message=str(item.get("message", "")),
        given=item.get("given"),
        allowed=item.get("allowed"),
        column=item.get("column"),
    )
