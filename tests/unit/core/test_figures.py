"""Figures: their numbers are the result's, their bytes are always the same, and nothing makes the ink fail."""

import numpy as np
import pytest

from core.evidence import Evidence, RunEvidence
from core.figures import FIGURES, STUDY_FIGURES, render
from core.panels import ZERO_BASELINE, Panel, quartiles
from core.run import run
from core.spec import ExperimentSpec
from core.studies import STUDIES
from tests.unit.core.test_training import spec_of

EXPLODING = {"kind": "linear", "dim": 6, "structure": "general", "start": {"kind": "gaussian", "scale": 2.0}}
TWO_INPUTS = {"kind": "explicit", "A": [[0.9, 0], [0, -0.5]], "B": [[0.8, 0.3], [-0.2, 0.6]], "C": [[1.0, 0.0]]}
SPECS = {
    "ordinary": spec_of(name="$\\frac{1$ and $x^2$"),  # no mathematics to matplotlib
    "exploding": spec_of(student=EXPLODING),
    "channels": spec_of(teacher=TWO_INPUTS),
    "memoryless": spec_of(teacher={"kind": "memoryless", "gain": 0.0}),
}


def drawn(figure, spec: ExperimentSpec):
    result = run(spec)
    return figure.info(spec, result, {name: np.array(column) for name, column in result.series.items()}), result


@pytest.mark.parametrize("name", FIGURES)
@pytest.mark.parametrize("spec", SPECS.values(), ids=SPECS)
def test_every_figure_draws_every_result(name, spec):
    info, _ = drawn(FIGURES[name], spec)
    svg = render(FIGURES[name].draw(info), "svg")
    assert svg.startswith(b"<?xml")
    assert render(FIGURES[name].draw(info), "svg") == svg
    assert render(FIGURES[name].draw(info), "png").startswith(b"\x89PNG")
    assert render(FIGURES[name].draw(info), "pdf").startswith(b"%PDF")


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e308, -1e308, 0.0])
@pytest.mark.parametrize("name", FIGURES)
def test_no_number_is_too_odd_to_be_drawn(name, value):
    spec = SPECS["ordinary"]
    result = run(spec)
    odd = [r.model_copy(update={"response": [value] * 12, "hankel_singular_values": [value] * 6,
                                "eigenvalues": [(value, value)] * 6,
                                "summary": {**r.summary, "zero_baseline": value}}) for r in result.runs]  # fmt: skip
    result = result.model_copy(update={"runs": odd, "teacher_response": [value] * 12})
    places = {"seed": np.repeat(spec.seeds, 3), "step": np.tile([0, 10, 300], 3)}
    series = {name: np.full(9, value) for name in result.series} | places
    info = FIGURES[name].info(spec, result, series)
    assert render(FIGURES[name].draw(info), "png").startswith(b"\x89PNG")
    assert info.model_dump_json()


def test_the_response_figure_holds_the_results_numbers():
    info, result = drawn(FIGURES["response"], SPECS["ordinary"])
    assert info.teacher == result.teacher_response
    assert info.length == 4
    assert [line.y for line in info.students] == [r.response for r in result.runs]
    np.testing.assert_allclose(info.errors[0].y, np.abs(np.subtract(result.runs[0].response, result.teacher_response)))


def test_the_training_figure_holds_the_recorded_points():
    info, result = drawn(FIGURES["training"], SPECS["ordinary"])
    assert [line.seed for line in info.loss] == [3, 1, 2]
    assert info.loss[0].x[-1] == 300
    assert info.loss[1].y[-1] == result.runs[1].summary["train_loss"]


def test_the_spectrum_figure_holds_eigenvalues_and_hankel_values():
    info, result = drawn(FIGURES["spectrum"], SPECS["ordinary"])
    assert info.teacher_eigenvalues == pytest.approx([0.9, 0.5])
    assert info.hankel[2].y == result.runs[2].hankel_singular_values


def test_a_line_of_a_study_is_median_and_quartiles_over_seeds():
    def evidence(length, errors):
        runs = tuple(RunEvidence(i, "fitted", 1, {"relative_extrapolation_error": e}) for i, e in enumerate(errors))
        return Evidence(spec_of(training={"length": length}), f"exp_{length}", runs)

    pieces = [evidence(5, [5, 1, 3, 2, 4]), evidence(3, [1, 1, 1]), evidence(4, [np.inf, np.nan, 2])]
    line = quartiles("start", pieces, lambda piece: piece.spec.training.length)
    assert (line.x, line.y[0], line.y[2], line.lower[2], line.upper[2]) == ([3, 4, 5], 1, 3, 2, 4)
    panel = Panel(x="k", y="error", lines=[line], levels=[ZERO_BASELINE])
    info = STUDY_FIGURES["extrapolation"].info("A study", [panel] * 3, pieces)
    assert info.panels[0].lines[0].label == "start"
    assert render(STUDY_FIGURES["extrapolation"].draw(info), "svg").startswith(b"<?xml")


@pytest.mark.parametrize("study", STUDIES.values(), ids=STUDIES)
def test_the_figure_of_a_study_of_which_nothing_is_run_is_drawn(study):
    info = STUDY_FIGURES["extrapolation"].info(study.title, study.panels("quick", []), [])
    assert render(STUDY_FIGURES["extrapolation"].draw(info), "png").startswith(b"\x89PNG")
