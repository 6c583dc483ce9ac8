"""Curves of trainings over steps or training time."""

from types import SimpleNamespace

import numpy as np
import pytest

from core.figures import COMPARISON_FIGURES, FIGURES, NotDrawable, View, training_axis
from core.figures.comparisons.comparison import Compared
from core.metrics.plateaus import plateaus
from core.result import SERIES
from core.spec import ExperimentSpec
from tests.unit.core.test_training import spec_of

GD = spec_of(optimizer={"lr": 0.5, "steps": 40}, seeds=1)
FLOW = ExperimentSpec.model_validate(
    GD.model_dump(mode="json") | {"optimizer": {"kind": "gradient_flow", "time": 20.0}}
)
BY_TIME, BY_STEP = View(x="time"), View(x="step")


def series_of(times, steps=None):
    """Points at these times of one training, whose loss falls as exp(-time) and then stays."""
    time = np.array(times, float)
    steps = np.arange(len(time)) if steps is None else np.array(steps)
    loss = np.exp(-np.minimum(time, 10.0))
    columns = dict.fromkeys(SERIES, loss) | {"time": time}
    poles = np.stack([loss, loss], axis=-1)[:, None, :]
    return {"seed": np.zeros(len(time), int), "step": steps, **columns, "eigenvalues": poles}


GD_SERIES, FLOW_SERIES = series_of(np.arange(41) / 2), series_of([0.0, 1.0, 4.0, 9.0, 20.0])
SIDES = [Compared("gd", GD, None, GD_SERIES), Compared("flow", FLOW, None, FLOW_SERIES)]


@pytest.mark.parametrize(
    ("spec", "series", "x", "expected"),
    [
        (GD, GD_SERIES, None, "step"),
        (GD, GD_SERIES, "time", "time"),
        (FLOW, FLOW_SERIES, None, "time"),
        (FLOW, FLOW_SERIES, "step", "step"),
    ],
)
def test_one_training_is_drawn_over_steps_unless_it_is_gradient_flow(spec, series, x, expected):
    info = FIGURES["training"].data(spec, None, series, view=View(x=x))
    assert (info.x, info.loss[0].x) == (expected, series[expected].tolist())
    assert f"by {'training time' if expected == 'time' else 'step'}" in info.caption
    imbalance = FIGURES["imbalance"].data(spec, None, series, view=View(x=x))
    assert (imbalance.x, imbalance.invariant_drift[0].x) == (expected, series[expected].tolist())


def test_eigenvalues_keep_their_steps_and_have_places():
    spec = spec_of(seeds=1, evaluation={"horizon": 12, "record": ["eigenvalues"]})
    (student,) = FIGURES["eigenvalues"].data(spec, None, GD_SERIES, view=BY_TIME).students
    assert student.steps == GD_SERIES["step"].tolist()
    assert student.x == GD_SERIES["time"].tolist()


def test_marks_keep_their_steps_and_lie_on_the_line():
    spec = spec_of(optimizer={"lr": 0.5, "steps": 40, "stop": {"loss_below": 1e-3}}, seeds=1)
    steps = np.concatenate([np.arange(21), np.arange(30, 300, 10)])
    series = series_of(steps / 2, steps)
    info = FIGURES["training"].data(spec, None, series, view=BY_TIME)
    (fit,) = info.time_to_fit
    assert (fit.step, fit.at) == (14, 7.0)
    assert fit.loss == info.loss[0].y[info.loss[0].x.index(fit.at)]
    (expected,) = plateaus(steps.tolist(), series["train_loss"].tolist())
    (plateau,) = info.plateaus
    assert (plateau.start, plateau.end) == (expected.start, expected.end)
    assert plateau.ends_at == (plateau.start / 2, plateau.end / 2)


@pytest.mark.parametrize("name", ["training", "training_ratio"])
def test_gradient_flow_beside_gd_is_drawn_over_time_only(name):
    figure = COMPARISON_FIGURES[name]
    assert figure.data(SIDES).x == figure.data(SIDES, view=BY_TIME).x == "time"
    with pytest.raises(NotDrawable, match="in 1 of the 2 experiments they are recorded times"):
        figure.data(SIDES, view=BY_STEP)
    assert figure.data(SIDES[:1] * 2).x == "step"
    assert figure.data(SIDES[1:] * 2).x == "time"
    assert figure.data(SIDES[1:] * 2, view=BY_STEP).x == "step"


def test_equal_trainings_have_the_ratio_1_at_all_times():
    info = COMPARISON_FIGURES["training_ratio"].data(SIDES)
    before_its_end = [x for x in info.sides[1].lines[0].x if x <= 9.0]
    ratios = info.sides[1].lines[0].median[: len(before_its_end)]
    assert before_its_end == [place / 2 for place in range(19)]
    np.testing.assert_allclose(ratios, 1.0, rtol=1e-12)
    assert info.sides[0].lines[0].median == [1.0] * len(info.sides[0].lines[0].x)


def test_a_training_without_a_time_is_drawn_over_steps():
    adam = spec_of(optimizer={"kind": "adam", "lr": 0.5, "steps": 4}, seeds=1)
    timeless = series_of([np.nan] * 5, range(5))
    training = FIGURES["training"]
    assert training.data(adam, None, timeless).x == "step"
    assert training.data(FLOW, None, timeless).x == "step", "an imported one may have no times"
    with pytest.raises(NotDrawable, match="it recorded none: use x=step"):
        training.data(adam, None, timeless, view=BY_TIME)
    beside = Compared("adam", adam, None, timeless)
    compared = COMPARISON_FIGURES["training"]
    assert compared.data([SIDES[0], beside]).x == "step"
    with pytest.raises(NotDrawable, match="1 of the 2 experiments recorded none: use x=step"):
        compared.data([SIDES[0], beside], view=BY_TIME)
    with pytest.raises(NotDrawable, match="leave them out"):
        compared.data([SIDES[1], beside])


def test_optimizers_of_several_kinds_share_steps():
    kinds = [SimpleNamespace(optimizer=SimpleNamespace(kind=kind)) for kind in ("gd", "momentum")]
    assert training_axis.choose([(spec, GD_SERIES) for spec in kinds], None) == "step"


@pytest.mark.parametrize("name", ["training", "imbalance"])
@pytest.mark.parametrize("times", [[0.0], [1e-300, 1e300], [0.0, 5e-324]])
def test_extreme_times_render(name, times):
    info = FIGURES[name].data(GD, None, series_of(times), view=BY_TIME)
    assert FIGURES[name].file(info, "svg").startswith(b"<?xml")
