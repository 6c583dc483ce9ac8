"""Gradient flow as a stepper: stations, slices, checkpoints, stop rules, and what is said when it can't go on."""

import numpy as np
import pytest

from core.errors import IntegrationFailed
from core.run import run
from core.training import advance, begin, finish, flush, resume, snapshot
from core.training.closed_form import flow
from core.training.schedule import time_at
from tests.unit.core.test_training import STRUCTURES, TEACHERS, same, same_series, spec_of

FLOW = {"kind": "gradient_flow", "time": 6.0, "steps": 12}


def flow_of(
    structure="symmetric",
    teacher="one_channel",
    stop=None,
    numerics=None,
    seeds=(3, 1, 2),
    **optimizer,
):
    spec = spec_of(
        structure, teacher=TEACHERS[teacher], numerics=numerics or {}, seeds=list(seeds)
    ).model_dump()
    return type(spec_of()).model_validate(spec | {"optimizer": FLOW | optimizer | {"stop": stop}})


@pytest.mark.parametrize("teacher", TEACHERS)
@pytest.mark.parametrize("structure", STRUCTURES)
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_slicing_and_resuming_change_no_bit(structure, teacher, dtype):
    spec = flow_of(structure, teacher, {"loss_below": 0.05, "more_steps": 2}, {"dtype": dtype})
    whole = run(spec)
    state, columns = begin(spec), []
    while not state.done:
        state, points = flush(advance(state, 2))
        columns.append(points)
        state = resume(spec, {name: array.copy() for name, array in snapshot(state).items()})
    assert all(map(same, finish(state).runs, whole.runs))
    joined = {
        name: np.concatenate([points[name] for points in columns]).tolist() for name in whole.series
    }
    assert same_series(joined, whole.series)


@pytest.mark.parametrize("structure", STRUCTURES)
def test_a_seed_is_the_same_whatever_its_company(structure):
    for r in run(flow_of(structure)).runs:
        assert same(r, run(flow_of(structure, seeds=[r.seed])).runs[0])


def test_the_stations_are_where_the_spec_says():
    spec = flow_of(time=99.0, steps=4)
    np.testing.assert_allclose(
        time_at(spec.optimizer, np.arange(5)), 100.0 ** (np.arange(5) / 4) - 1
    )
    series = run(spec).series
    assert sorted(set(series["step"])) == [0, 1, 2, 3, 4]
    assert series["time"][-1] == pytest.approx(99.0)


def test_the_number_of_stations_changes_no_more_than_the_tolerance():
    few, many = (run(flow_of(steps=steps)).runs for steps in (2, 40))
    for one, other in zip(few, many, strict=True):
        np.testing.assert_allclose(one.response, other.response, atol=1e-6)


def test_each_seed_stops_at_the_first_station_below():
    free, threshold = run(flow_of()).series, 0.2
    for r in run(flow_of(stop={"loss_below": threshold})).runs:
        rows = zip(free["seed"], free["step"], free["train_loss"], strict=True)
        first = next(step for seed, step, loss in rows if seed == r.seed and loss < threshold)
        assert (r.outcome, r.steps) == ("fitted", first)


def test_torch_and_the_compiled_loops_give_the_same_flow(monkeypatch):
    compiled = run(flow_of()).runs
    monkeypatch.setattr(flow, "fits", lambda spec: False)
    for ours, wanted in zip(run(flow_of()).runs, compiled, strict=True):
        np.testing.assert_allclose(ours.response, wanted.response, atol=1e-9)


def test_single_precision_is_near_double_precision():
    single, double = run(flow_of(numerics={"dtype": "float32"})).runs, run(flow_of()).runs
    for ours, exact in zip(single, double, strict=True):
        np.testing.assert_allclose(ours.response, exact.response, atol=1e-5)
        assert ours.response != exact.response


def test_where_lsoda_gives_up_the_stiff_integrator_goes_on(monkeypatch):
    wanted = run(flow_of(seeds=[1])).runs[0]
    monkeypatch.setattr(flow, "INNER_STEPS", 1)
    np.testing.assert_allclose(run(flow_of(seeds=[1])).runs[0].response, wanted.response, atol=1e-6)


def test_a_flow_that_cannot_be_followed_is_said(monkeypatch):
    monkeypatch.setattr(flow, "INNER_STEPS", 1)

    class Failed:
        success, message = False, "Required step size is less than spacing between numbers."

    monkeypatch.setattr(flow, "solve_ivp", lambda *_, **__: Failed)
    with pytest.raises(IntegrationFailed, match=r"step size is less.*larger optimizer\.atol"):
        run(flow_of())


def test_a_start_of_huge_loss_has_diverged():
    spec = flow_of().model_dump()
    spec["student"]["start"] = {"kind": "gaussian", "scale": 1e4}
    runs = run(type(flow_of()).model_validate(spec)).runs
    assert {(r.outcome.value, r.steps) for r in runs} == {("diverged", 0)}


@pytest.mark.parametrize("structure", STRUCTURES)
def test_a_flow_at_rest_stays_there_however_long(structure):
    """The gradient is rounding there, and a step of 1e11 would make much of it."""
    rested, long_after = (run(flow_of(structure, time=time, steps=40)).runs for time in (1e6, 1e12))
    for r, later in zip(rested, long_after, strict=True):
        assert max(r.summary["train_loss"], later.summary["train_loss"]) < 1e-15
        np.testing.assert_allclose(later.response, r.response, atol=1e-6)


def test_the_distance_to_the_flow_is_measured_only_where_it_is_asked_for():
    evaluation = {"points": 3, "horizon": 12}
    asked, not_asked = (
        run(spec_of(evaluation=evaluation | {"flow": flow})).runs[0] for flow in (True, False)
    )
    assert 0 < asked.summary["flow_distance"] < 0.1
    assert np.isnan(not_asked.summary["flow_distance"])
