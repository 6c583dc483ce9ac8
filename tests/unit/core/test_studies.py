"""Studies: their experiments are distinct and valid, and their verdicts follow from numbers alone."""

import numpy as np
import pytest

from core.evidence import Evidence, RunEvidence
from core.figures import STUDY_FIGURES
from core.result import METRICS, Outcome
from core.spec import spec_hash
from core.studies import STUDIES
from core.warnings import warnings

SIZES = ("quick", "full")


def evidence(spec, relative_error, outcome=Outcome.FITTED):
    summary = {"relative_extrapolation_error": relative_error, "fit_error": 1e-9}
    return Evidence(
        spec,
        spec.name,
        tuple(RunEvidence(seed, outcome, spec.optimizer.steps, summary) for seed in spec.seeds),
    )


def as_the_paper_says(spec):
    if spec.student.structure == "general":
        return 1.2
    if spec.training.length < 5:
        return 0.5
    return 1e-6


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("study", STUDIES.values(), ids=STUDIES)
def test_a_study_names_distinct_experiments_with_its_tag(study, size):
    specs = study.experiments(size)
    assert len({spec_hash(spec) for spec in specs}) == len(specs)
    assert all(f"study:{study.name}" in spec.tags for spec in specs)


@pytest.mark.parametrize("size", SIZES)
def test_no_experiment_of_the_balanced_study_is_questionable(size):
    assert [
        warning for spec in STUDIES["balanced"].experiments(size) for warning in warnings(spec)
    ] == []


def test_claims_hold_on_numbers_as_the_paper_says():
    study = STUDIES["balanced"]
    claims = study.judge(
        "quick", [evidence(spec, as_the_paper_says(spec)) for spec in study.experiments("quick")]
    )
    assert {claim.verdict for claim in claims} == {"holds"}
    assert all(claim.experiments for claim in claims)


def test_claims_fail_on_other_numbers():
    study = STUDIES["balanced"]
    claims = study.judge("quick", [evidence(spec, 0.3) for spec in study.experiments("quick")])
    verdicts = [claim.verdict.value for claim in claims]
    assert verdicts == ["fails", "fails", "fails", "holds", "holds", "fails"]


def test_divergence_makes_no_claim_hold():
    study = STUDIES["balanced"]
    pieces = [
        evidence(spec, as_the_paper_says(spec), Outcome.DIVERGED)
        for spec in study.experiments("quick")
    ]
    assert {claim.verdict for claim in study.judge("quick", pieces)} == {"fails"}


def test_not_extrapolating_counts_only_for_a_student_that_fits():
    study = STUDIES["balanced"]
    pieces = [
        evidence(spec, as_the_paper_says(spec), Outcome.STEP_BUDGET_SPENT)
        for spec in study.experiments("quick")
    ]
    verdicts = {claim.claim: claim.verdict for claim in study.judge("quick", pieces)}
    assert [verdicts[claim] for claim in verdicts if "does not extrapolate" in claim] == [
        "fails",
        "fails",
    ]


@pytest.mark.parametrize("study", STUDIES.values(), ids=STUDIES)
def test_nothing_is_claimed_of_what_was_not_run(study):
    claims = study.judge("quick", [])
    assert {claim.verdict.value for claim in claims} == {"not_run"}
    assert all(claim.value is None and not claim.experiments for claim in claims)


@pytest.mark.parametrize("study", STUDIES.values(), ids=STUDIES)
def test_numbers_that_are_none_make_no_claim_hold(study):
    """Every metric and response NaN; only that every seed diverged may still be found."""
    pieces = [unmeasured(spec) for spec in study.experiments("quick")]
    with np.errstate(all="ignore"):
        held = [claim.claim for claim in study.judge("quick", pieces) if claim.verdict == "holds"]
    assert all("diverges" in claim for claim in held)
    info = STUDY_FIGURES["extrapolation"].info(study.title, study.panels("quick", pieces), pieces)
    assert STUDY_FIGURES["extrapolation"].file(info, "svg").startswith(b"<?xml")


def unmeasured(spec):
    response = np.full(spec.horizon, np.nan)
    nothing = dict.fromkeys(METRICS, np.nan)
    runs = tuple(RunEvidence(seed, Outcome.DIVERGED, 1, nothing, response) for seed in spec.seeds)
    return Evidence(spec, spec.name, runs, (), response)


def test_a_claim_whose_experiments_are_missing_is_not_run():
    study = STUDIES["balanced"]
    some = [
        evidence(spec, 0.3) for spec in study.experiments("quick") if spec.training.length != 14
    ]
    claims = study.judge("quick", some)
    assert [claim.verdict.value for claim in claims[:2]] == ["not_run", "not_run"]
    assert claims[0].value is None
    assert claims[2].verdict != "not_run"
