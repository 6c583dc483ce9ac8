"""The service keeps to its OpenAPI document in sequences of requests, and in streams of events."""

import os
from contextlib import suppress
from copy import deepcopy
from urllib.parse import urlencode

import httpx2
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, assume, settings
from hypothesis.errors import FlakyStrategyDefinition
from schemathesis.config import SchemathesisConfig

from tests.integration.service.test_openapi import CONFIG, DOCUMENT, lab

__all__ = ["lab"]

EXAMPLES = int(os.environ.get("EXTRAPOLAB_OPENAPI_EXAMPLES", "200"))
STEPS = 12
"""Most requests of one sequence."""

SEQUENCES = 5
"""Sequences of one run of Hypothesis."""

STREAM_SECONDS = 0.3
"""How long a stream is read: it has no end."""

MAX_QUERY = 60_000
"""Longest query in characters; the client has a limit of its own."""

FIELDS = ("id:", "event:", "data:", "retry:", ":")
"""The starts of lines of a stream of events (HTML's standard, 9.2.5)."""

pytestmark = pytest.mark.chaos


def document(**changes):
    """The document, tested by many requests, with changes of the settings."""
    config = deepcopy(CONFIG) | changes
    config["generation"]["max-examples"] = EXAMPLES
    return schemathesis.openapi.from_dict(DOCUMENT, config=SchemathesisConfig.from_dict(config))


ALONE = {"coverage": {"enabled": False}, "stateful": {"enabled": False}}
streams = document(operations=[], phases=ALONE).include(path="/v1/events")


@pytest.mark.timeout(1800)
@streams.parametrize()
def test_a_stream_is_of_events_or_a_problem(case, lab):
    url, _ = lab
    request = case.as_transport_kwargs(base_url=url)
    given = {name: request[name] for name in ("method", "url", "params", "headers")}
    assume(len(urlencode(given["params"] or {}, doseq=True)) < MAX_QUERY)
    with httpx2.Client(timeout=STREAM_SECONDS) as client, client.stream(**given) as answer:
        kind = answer.headers["content-type"].partition(";")[0]
        if answer.status_code != 200:
            assert answer.status_code in {400, 404, 406, 422}
            assert kind == "application/problem+json"
            return
        assert kind == "text/event-stream"
        text = ""
        try:
            for part in answer.iter_text():
                text += part
        except httpx2.ReadTimeout:
            pass
        complete = text.rpartition("\n")[0].split("\n")
        assert all(line == "" or line.startswith(FIELDS) for line in complete), text


@pytest.mark.timeout(3600)
def test_sequences_of_requests_keep_to_the_document(lab):
    """Later requests take their ids from the answers to earlier ones, by the document's links."""
    url, _ = lab
    sequences = document(phases={"stateful": {"enabled": True, "max-steps": STEPS}})
    machine = sequences.exclude(path="/v1/events").as_state_machine()

    failures = []

    class OfLab(machine):
        def get_call_kwargs(self, case):  # noqa: ARG002  # overrides
            return {"base_url": url}

        def validate_response(self, *arguments, **options):
            try:
                super().validate_response(*arguments, **options)
            except BaseException as failure:
                failures.append(failure)
                raise

    for _ in range(max(1, EXAMPLES // SEQUENCES)):
        # what is generated depends on the lab's answers, which differ when a start is repeated
        with suppress(FlakyStrategyDefinition):
            OfLab.run(
                settings=settings(
                    max_examples=SEQUENCES,
                    stateful_step_count=STEPS,
                    deadline=None,
                    database=None,
                    phases=[Phase.generate],
                    suppress_health_check=list(HealthCheck),
                )
            )
    assert not failures
