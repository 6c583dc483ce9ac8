"""Claims fail where the phenomenon is absent, and docs/studies/placebos.md shows it."""

import importlib.util
import sys
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from core import placebos
from core.placebos import placebo_evidence
from core.run import run
from core.spec import ExperimentSpec
from core.studies import STUDIES, Placebo, Verdict

ROOT = Path(__file__).parents[2]

judge = cache(placebos.judge)


@pytest.mark.parametrize("size", ["quick", "full"])
@pytest.mark.parametrize("name", STUDIES)
def test_no_claim_holds_without_the_phenomenon(name, size):
    assert [
        (row.claim.claim, placebo.value)
        for row in judge(STUDIES[name], size)
        for placebo, verdict in row.verdicts.items()
        if verdict is Verdict.HOLDS
    ] == []


def test_the_page_shows_the_verdicts(monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "docs")
    spec = importlib.util.spec_from_file_location("placebos_page", ROOT / "docs/placebos.py")
    generator = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "placebos_page", generator)
    spec.loader.exec_module(generator)
    generator.judge = judge
    assert generator.PAGE.read_text() == generator.page(), "run: python docs/placebos.py"


@pytest.mark.parametrize(
    ("placebo", "fits", "error"),
    [
        (Placebo.UNTRAINED, False, 0.99),
        (Placebo.OTHER_TEACHER, False, 2),
        (Placebo.SHORT_MEMORY, True, 1),
        (Placebo.SILENT, False, 1),
        (Placebo.EXACT, True, 0),
    ],
)
def test_a_placebo_answers_as_its_name_says(placebo, fits, error):
    """Near zero, an untrained student answers almost nothing: the error of the zero baseline."""
    experiment = placebo_evidence(STUDIES["balanced"], "quick", placebo)[4]
    run = experiment.runs[0]
    assert experiment.most_fit is fits
    assert run.summary["relative_extrapolation_error"] == pytest.approx(error, abs=0.02)
    if placebo is Placebo.SHORT_MEMORY:
        k = experiment.spec.training.length
        np.testing.assert_array_equal(run.response[:k], experiment.teacher_response[:k])
        assert not run.response[k:].any()


def test_a_network_that_forgets_fits_and_fails():
    """A window of k inputs is exact up to k, and what it forgets shows after that."""
    experiment = placebo_evidence(STUDIES["gru"], "quick", Placebo.SHORT_MEMORY)[0]
    summary = experiment.runs[0].summary
    assert summary["sequence_fit_error"] == 0
    assert summary["sequence_extrapolation_error"] > 0.1


@pytest.mark.parametrize("optimizer", ["gd", "adam"])
def test_training_on_the_other_teacher_is_the_mirror_image(optimizer):
    """So the response of that placebo is what training on the labels of -C leads to."""
    generator = np.random.default_rng(0)
    A, B, C = (0.3 * generator.standard_normal(shape) for shape in ((6, 6), (6, 1), (1, 6)))

    def response(sign):
        teacher = {"kind": "explicit", "A": [[0.9, 0], [0, -0.5]], "B": [[0.8], [0.7]]}
        start = {"kind": "explicit", "A": A.tolist(), "B": B.tolist(), "C": (sign * C).tolist()}
        spec = ExperimentSpec.model_validate(
            {
                "teacher": {**teacher, "C": [[0.8 * sign, 0.7 * sign]]},
                "student": {"kind": "linear", "dim": 6, "structure": "general", "start": start},
                "training": {"length": 5},
                "optimizer": {"kind": optimizer, "lr": 0.01, "steps": 500},
                "evaluation": {"points": 2, "metrics": []},
                "seeds": 1,
            }
        )
        return np.array(run(spec).runs[0].response)

    trained = response(1)
    assert np.abs(trained[:5]).max() > 0.5
    np.testing.assert_allclose(response(-1), -trained, rtol=1e-9, atol=1e-12)
