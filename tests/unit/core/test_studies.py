"""Studies: their experiments are distinct and valid; verdicts follow from numbers alone."""

import re
from dataclasses import replace

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
    """A completed experiment all of whose seeds have this error."""
    summary = {"relative_extrapolation_error": relative_error, "fit_error": 1e-9}
    return Evidence(
        spec,
        spec.name,
        tuple(RunEvidence(seed, outcome, spec.optimizer.steps, summary) for seed in spec.seeds),
    )


def error_in_the_paper(spec):
    if spec.student.structure == "general":
        return 1.2
    if spec.training.length < 4 + spec.student.start.balanced:
        return 0.5
    return 1e-6


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("study", STUDIES.values(), ids=STUDIES)
def test_a_study_names_distinct_experiments_with_its_tag(study, size):
    specs = study.experiments(size)
    assert len({spec_hash(spec) for spec in specs}) == len(specs)
    assert all(f"study:{study.name}" in spec.tags for spec in specs)


@pytest.mark.parametrize("size", SIZES)
def test_no_experiment_of_the_balanced_study_has_a_warning(size):
    assert [
        warning for spec in STUDIES["balanced"].experiments(size) for warning in warnings(spec)
    ] == []


def test_hypotheses_hold_on_the_papers_numbers():
    study = STUDIES["balanced"]
    hypotheses = study.judge(
        "quick", [evidence(spec, error_in_the_paper(spec)) for spec in study.experiments("quick")]
    )
    assert {hypothesis.verdict for hypothesis in hypotheses} == {"holds"}
    assert all(hypothesis.experiments for hypothesis in hypotheses)


def test_hypotheses_fail_on_other_numbers():
    study = STUDIES["balanced"]
    hypotheses = study.judge("quick", [evidence(spec, 0.3) for spec in study.experiments("quick")])
    verdicts = [hypothesis.verdict.value for hypothesis in hypotheses]
    assert verdicts == ["fails", "fails", "fails", "holds", "holds", "fails", "fails"]


def test_divergence_makes_no_hypothesis_hold():
    study = STUDIES["balanced"]
    experiments = [
        evidence(spec, error_in_the_paper(spec), Outcome.DIVERGED)
        for spec in study.experiments("quick")
    ]
    hypotheses = study.judge("quick", experiments)
    assert {(h.verdict.value, h.fitted) for h in hypotheses} == {("not_run", 0), ("fails", 0)}


def test_failing_to_extrapolate_counts_only_for_a_student_that_fits():
    study = STUDIES["balanced"]
    experiments = [
        evidence(spec, error_in_the_paper(spec), Outcome.STEP_BUDGET_SPENT)
        for spec in study.experiments("quick")
    ]
    hypotheses = study.judge("quick", experiments)
    verdicts = [h.verdict for h in hypotheses if "does not extrapolate" in h.claim]
    assert verdicts == ["not_run", "not_run"]


def test_a_claim_about_seeds_that_fit_leaves_out_the_others():
    study = STUDIES["balanced"]
    experiments = [
        replace(
            one,
            runs=(
                *one.runs[:3],
                *(
                    replace(run, outcome=Outcome.DIVERGED, summary=dict.fromkeys(METRICS, np.nan))
                    for run in one.runs[3:]
                ),
            ),
        )
        for one in (evidence(spec, error_in_the_paper(spec)) for spec in study.experiments("quick"))
    ]
    first = study.judge("quick", experiments)[0]
    assert (first.verdict, first.value, first.fitted, first.seeds) == ("holds", 1e-6, 18, 30)


def test_a_contrast_is_judged_with_its_arms_swapped_too():
    study = STUDIES["balanced"]
    experiments = [evidence(spec, error_in_the_paper(spec)) for spec in study.experiments("quick")]
    swapped = {h.kind: h.swapped for h in study.judge("quick", experiments)}
    assert (swapped["contrast"], swapped["extrapolates"]) == ("fails", None)


@pytest.mark.parametrize("study", STUDIES.values(), ids=STUDIES)
def test_without_experiments_no_hypothesis_is_judged(study):
    hypotheses = study.judge("quick", [])
    assert {hypothesis.verdict.value for hypothesis in hypotheses} == {"not_run"}
    assert all(h.value is None and not h.experiments for h in hypotheses)


@pytest.mark.parametrize("study", STUDIES.values(), ids=STUDIES)
def test_no_condition_runs_into_the_bound(study):
    """As "at k = 10 > 5" would: "at k = 10, > 5" says which number the bound is for."""
    runs_on = re.compile(r"[<>=] (?:(?![a-z]{2})[^<>=,|)])+ [<>] \S+$")
    inequalities = [h.inequality for size in SIZES for h in study.judge(size, [])]
    assert not [inequality for inequality in inequalities if runs_on.search(inequality)]


@pytest.mark.parametrize("study", STUDIES.values(), ids=STUDIES)
def test_nan_makes_no_hypothesis_hold(study):
    """Every metric and response is NaN; only that every seed diverged can still be found."""
    experiments = [unmeasured(spec) for spec in study.experiments("quick")]
    with np.errstate(all="ignore"):
        hypotheses = study.judge("quick", experiments)
    assert all("diverges" in h.claim for h in hypotheses if h.verdict == "holds")
    panels = study.panels("quick", experiments)
    info = STUDY_FIGURES["extrapolation"].info(study.title, panels, experiments)
    assert STUDY_FIGURES["extrapolation"].file(info, "svg").startswith(b"<?xml")


@pytest.mark.parametrize("study", STUDIES.values(), ids=STUDIES)
def test_a_student_has_one_colour_in_all_panels(study):
    """Its label may say more, as "wide, t < k" does; curves of one student are then told apart."""
    figure = STUDY_FIGURES["extrapolation"]
    experiments = [unmeasured(spec) for spec in study.experiments("quick")]
    with np.errstate(all="ignore"):
        info = figure.info(study.title, study.panels("quick", experiments), experiments)
    colours: dict[str, set[str]] = {}
    for plot in figure.drawing(info).plots:
        for trace in plot.traces:
            student = trace.label.partition(", t ")[0]
            colours.setdefault(student, set()).add(trace.colour)
        looks = [(trace.colour, trace.dash, trace.marker) for trace in plot.traces if trace.label]
        assert len(set(looks)) == len(looks)
    assert {student: len(own) for student, own in colours.items()} == dict.fromkeys(colours, 1)


def unmeasured(spec):
    response = np.full(spec.horizon, np.nan)
    metrics = dict.fromkeys(METRICS, np.nan)
    runs = tuple(RunEvidence(seed, Outcome.DIVERGED, 1, metrics, response) for seed in spec.seeds)
    return Evidence(spec, spec.name, runs, (), response)


def test_a_hypothesis_with_missing_experiments_is_not_run():
    study = STUDIES["balanced"]
    shorter = [
        evidence(spec, 0.3) for spec in study.experiments("quick") if spec.training.length != 14
    ]
    hypotheses = study.judge("quick", shorter)
    assert [hypothesis.verdict.value for hypothesis in hypotheses[:2]] == ["not_run", "not_run"]
    assert hypotheses[0].value is None
    assert hypotheses[2].verdict != "not_run"
