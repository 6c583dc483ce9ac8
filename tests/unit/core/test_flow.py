"""Gradient flow as a stepper: waypoints, slices, checkpoints, stop rules and failures."""

import numpy as np
import pytest

from core.errors import IntegrationFailed
from core.run import run
from core.training import advance, begin, cancel, finish, flush, resume, snapshot
from core.training.closed_form import flow
from core.training.schedule import training_time
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
def test_results_do_not_depend_on_slicing_and_resuming(structure, teacher, dtype):
    spec = flow_of(structure, teacher, {"loss_below": 0.05, "more_steps": 2}, {"dtype": dtype})
    unsliced = run(spec)
    state, columns = begin(spec), []
    while not state.done:
        state, points = flush(advance(state, 2))
        columns.append(points)
        state = resume(spec, {name: array.copy() for name, array in snapshot(state).items()})
    assert all(map(same, finish(state).runs, unsliced.runs))
    joined = {
        name: np.concatenate([points[name] for points in columns]).tolist()
        for name in unsliced.series
    }
    assert same_series(joined, unsliced.series)


@pytest.mark.parametrize("structure", STRUCTURES)
def test_a_seed_does_not_depend_on_the_other_seeds(structure):
    for r in run(flow_of(structure)).runs:
        assert same(r, run(flow_of(structure, seeds=[r.seed])).runs[0])


def test_the_waypoints_are_at_the_times_of_the_spec():
    spec = flow_of(time=99.0, steps=4)
    np.testing.assert_allclose(
        training_time(spec.optimizer, np.arange(5)), 100.0 ** (np.arange(5) / 4) - 1
    )
    series = run(spec).series
    assert sorted(set(series["step"])) == [0, 1, 2, 3, 4]
    assert series["time"][-1] == pytest.approx(99.0)


def test_the_number_of_waypoints_changes_results_only_within_the_tolerance():
    few, many = (run(flow_of(steps=steps)).runs for steps in (2, 40))
    for coarse, fine in zip(few, many, strict=True):
        np.testing.assert_allclose(coarse.response, fine.response, atol=1e-6)


def test_each_seed_stops_at_its_first_waypoint_below_the_loss():
    free, threshold = run(flow_of()).series, 0.2
    for r in run(flow_of(stop={"loss_below": threshold})).runs:
        rows = zip(free["seed"], free["step"], free["train_loss"], strict=True)
        first = next(step for seed, step, loss in rows if seed == r.seed and loss < threshold)
        assert (r.outcome, r.steps) == ("fitted", first)


def test_torch_and_compiled_gradients_give_the_same_flow(monkeypatch):
    compiled = run(flow_of()).runs
    monkeypatch.setattr(flow, "is_supported", lambda spec: False)
    for in_torch, in_loops in zip(run(flow_of()).runs, compiled, strict=True):
        np.testing.assert_allclose(in_torch.response, in_loops.response, atol=1e-9)


def test_single_precision_is_near_double_precision():
    single, double = run(flow_of(numerics={"dtype": "float32"})).runs, run(flow_of()).runs
    for ours, exact in zip(single, double, strict=True):
        np.testing.assert_allclose(ours.response, exact.response, atol=1e-5)
        assert ours.response != exact.response


def test_the_stiff_integrator_takes_over_when_lsoda_gives_up(monkeypatch):
    (by_lsoda,) = run(flow_of(seeds=[1])).runs
    monkeypatch.setattr(flow, "MAX_INNER_STEPS", 1)
    (by_radau,) = run(flow_of(seeds=[1])).runs
    np.testing.assert_allclose(by_radau.response, by_lsoda.response, atol=1e-6)


def test_a_failed_integration_raises_with_advice(monkeypatch):
    monkeypatch.setattr(flow, "MAX_INNER_STEPS", 1)

    class Failed:
        success, message = False, "Required step size is less than spacing between numbers."

    monkeypatch.setattr(flow, "solve_ivp", lambda *_, **__: Failed)
    with pytest.raises(IntegrationFailed, match=r"step size is less.*larger optimizer\.atol"):
        run(flow_of())


def test_a_flow_that_takes_very_many_gradients_is_given_up_with_advice(monkeypatch):
    monkeypatch.setattr(flow, "MAX_INNER_STEPS", 1)
    monkeypatch.setattr(flow, "MAX_STIFF_CALLS", -10_000_000)
    with pytest.raises(IntegrationFailed, match=r"gradients to a waypoint.*larger optimizer\.atol"):
        run(flow_of())


def test_a_start_with_a_huge_loss_has_diverged():
    spec = flow_of().model_dump()
    spec["student"]["start"] = {"kind": "gaussian", "scale": 1e4}
    runs = run(type(flow_of()).model_validate(spec)).runs
    assert {(r.outcome.value, r.steps) for r in runs} == {("diverged", 0)}


@pytest.mark.parametrize("structure", STRUCTURES)
def test_a_flow_at_rest_stays_there(structure):
    """The gradient is only rounding error there, which steps of 1e11 would amplify."""
    rested, long_after = (run(flow_of(structure, time=time, steps=40)).runs for time in (1e6, 1e12))
    for r, later in zip(rested, long_after, strict=True):
        assert max(r.summary["train_loss"], later.summary["train_loss"]) < 1e-15
        np.testing.assert_allclose(later.response, r.response, atol=1e-6)


def test_a_training_cancelled_at_its_start_is_on_the_flow():
    spec = spec_of(evaluation={"points": 3, "horizon": 12, "flow": True})
    result = finish(cancel(begin(spec)))
    assert {run.summary["flow_distance"] for run in result.runs} == {0.0}


def test_the_distance_to_the_flow_is_measured_only_on_request():
    evaluation = {"points": 3, "horizon": 12}
    requested, unrequested = (
        run(spec_of(evaluation=evaluation | {"flow": flow})).runs[0] for flow in (True, False)
    )
    assert 0 < requested.summary["flow_distance"] < 0.1
    assert np.isnan(unrequested.summary["flow_distance"])
