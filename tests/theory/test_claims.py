"""Runs the quick studies: their claims hold, including the published numbers of poisoning."""

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


@pytest.mark.parametrize("name", ["poisoning", "counterexample", "memoryless", "step-size"])
def test_every_claim_holds(name):
    study = STUDIES[name]
    claims = study.judge("quick", [evidence(spec) for spec in study.experiments("quick")])
    assert {claim.claim: claim.value for claim in claims if claim.verdict != "holds"} == {}
