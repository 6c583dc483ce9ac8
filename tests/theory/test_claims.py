"""Runs quick studies: their claims hold, including the published numbers of poisoning."""

import numpy as np
import pytest

from core.evidence import Evidence, RunEvidence
from core.run import run
from core.studies import STUDIES


def evidence(spec):
    result = run(spec)
    runs = tuple(
        RunEvidence(r.seed, r.outcome, r.steps, r.summary, np.array(r.response))
        for r in result.runs
    )
    return Evidence(
        spec, spec.name, runs, tuple(result.baselines), np.array(result.teacher_response)
    )


FAILS = {
    "poisoning": {"Poisoned students of teachers of 2 to 4 poles extrapolate worse too"},
    "step-size": {"It stays at the edge of stability: the sharpness there is near 2 / lr"},
}
"""The claims that fail, and are shown as failing."""


@pytest.mark.parametrize(
    "name",
    ["approximate", "counterexample", "greedy", "memoryless", "poisoning", "saddle", "step-size"],
)
def test_every_claim_holds_but_those_that_are_shown_as_failing(name):
    study = STUDIES[name]
    claims = study.judge("quick", [evidence(spec) for spec in study.experiments("quick")])
    failing = {claim.claim: claim.value for claim in claims if claim.verdict != "holds"}
    assert failing.keys() == FAILS.get(name, set()), failing
