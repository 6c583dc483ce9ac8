"""Training as a state: slices, checkpoints, recorded points, and the end of each seed."""

import itertools
import tracemalloc

import numpy as np
import pytest

from core.cost.measuring import ALL_METRICS
from core.errors import NumericsUnavailable
from core.run import run
from core.spec import ExperimentSpec
from core.training import advance, begin, cancel, finish, flush, resume, snapshot
from core.training.schedule import log_spaced_steps

SHARPNESS = {"sharpness", "gauss_newton_sharpness"}
"""Metrics that take long at long lengths, for a test."""

OPTIMIZERS = (
    {"kind": "gd", "schedule": {"kind": "cosine"}},
    {"kind": "momentum", "rates": {"A": 0.5}},
    {"kind": "adaptive_gd", "lr": 0.001},
    {"kind": "adam", "schedule": {"kind": "exponential", "every": 100}},
)
STRUCTURES = ("symmetric", "general", "diagonal")
TWO_INPUTS = {
    "kind": "explicit",
    "A": [[0.9, 0], [0, -0.5]],
    "B": [[0.8, 0.3], [-0.2, 0.6]],
    "C": [[1.0, 0.0]],
}
TEACHERS = {
    # trained by compiled loops
    "one_channel": {
        "kind": "balanced",
        "eigenvalues": {"kind": "list", "values": [0.9, -0.5]},
    },
    # trained by torch
    "two_channels": {
        "kind": "explicit",
        "A": [[0.9]],
        "B": [[0.8, 0.3]],
        "C": [[1.0], [0.5]],
    },
}


def of_every_kind(test):
    """Parametrizes a test by teacher, structure and optimizer."""
    test = pytest.mark.parametrize(
        "optimizer", OPTIMIZERS, ids=lambda optimizer: optimizer["kind"]
    )(test)
    test = pytest.mark.parametrize("structure", STRUCTURES)(test)
    return pytest.mark.parametrize("teacher", TEACHERS.values(), ids=TEACHERS)(test)


def same(ours, theirs):
    """Whether two results are equal bit for bit; a NaN equals a NaN."""
    return ours.model_dump_json() == theirs.model_dump_json()


def same_series(ours, theirs):
    return repr(dict(ours)) == repr(dict(theirs))


def spec_of(structure="symmetric", optimizer=None, **changes):
    return ExperimentSpec.model_validate(
        {
            "teacher": {"kind": "balanced", "eigenvalues": {"kind": "list", "values": [0.9, -0.5]}},
            "student": {
                "kind": "linear",
                "dim": 6,
                "structure": structure,
                "start": {"kind": "gaussian", "scale": 0.3},
            },
            "training": {"length": 4},
            "optimizer": {"lr": 0.02, "steps": 300, **(optimizer or {})},
            "evaluation": {"points": 17, "horizon": 12},
            "seeds": [3, 1, 2],
            **changes,
        }
    )


@of_every_kind
def test_results_do_not_depend_on_slicing(structure, optimizer, teacher):
    spec = spec_of(
        structure, {**optimizer, "stop": {"loss_below": 1e-3, "more_steps": 20}}, teacher=teacher
    )
    state = begin(spec)
    for steps in itertools.cycle([1, 7, 50, 2]):
        if state.done:
            break
        state = advance(state, steps)
    sliced, unsliced = finish(state), run(spec)
    assert same(sliced, unsliced)
    assert same_series(sliced.series, unsliced.series)


@pytest.mark.parametrize("seeds", [[3], [3, 1, 2]], ids=["alone", "three"])
@pytest.mark.parametrize("teacher", TEACHERS.values(), ids=TEACHERS)
@pytest.mark.parametrize("structure", STRUCTURES)
def test_series_do_not_depend_on_flushing(structure, teacher, seeds):
    start = {"kind": "gaussian", "scale": 0.3}
    if structure == "general":  # at step 0, A is symmetric: another eigenvalue solver
        noise = np.random.default_rng(0).standard_normal((6, 6))
        channels = 1 if teacher["kind"] == "balanced" else 2
        start = {
            "kind": "explicit",
            "A": (0.1 * (noise + noise.T)).tolist(),
            "B": [[0.5] * channels] * 6,
            "C": [[0.2] * 6] * channels,
        }
    student = {"kind": "linear", "dim": 6, "structure": structure, "start": start}
    spec = spec_of(
        student=student, teacher=teacher, seeds=seeds, evaluation={"points": 60, "horizon": 12}
    )
    state, parts = begin(spec), []
    for steps in itertools.cycle([1, 40, 7]):
        if state.done:
            break
        state, points = flush(advance(state, steps))
        parts.append(points)
    joined = {name: np.concatenate([part[name] for part in parts]).tolist() for name in parts[0]}
    assert same_series(joined, run(spec).series)


@of_every_kind
def test_results_do_not_depend_on_resuming_a_checkpoint(structure, optimizer, teacher):
    spec = spec_of(
        structure, {**optimizer, "stop": {"loss_below": 0.1, "more_steps": 130}}, teacher=teacher
    )
    state, points = flush(advance(begin(spec), 123))
    state = resume(spec, {name: array.copy() for name, array in snapshot(state).items()})
    state, rest = flush(advance(state, 10_000))
    unbroken = run(spec)
    assert all(map(same, finish(state).runs, unbroken.runs))
    joined = {name: [*points[name].tolist(), *rest[name].tolist()] for name in points}
    assert same_series(joined, unbroken.series)


@pytest.mark.parametrize(
    "changes",
    [{}, {"student": {"kind": "linear", "dim": 3, "readout": {"width": 2}}}],
    ids=["closed form", "sequences"],
)
def test_metrics_that_are_not_chosen_are_undefined_and_leave_the_others_as_they_are(changes):
    evaluation = {"points": 4, "horizon": 12, "sequences": 8}
    spec = spec_of(optimizer={"steps": 5}, **changes, evaluation=evaluation)
    without = spec_of(optimizer={"steps": 5}, **changes, evaluation={**evaluation, "metrics": []})
    everything, less = run(spec).series, run(without).series
    undefined = {name for name in less if np.isnan(less[name]).all()}
    assert {"effective_rank", "state_effective_rank", "spectral_radius"} <= undefined
    assert {name for name in undefined if np.isfinite(everything[name]).any()} <= ALL_METRICS
    assert all(repr(less[name]) == repr(everything[name]) for name in less.keys() - undefined)


def test_metrics_of_the_whole_training_follow_from_the_recorded_points():
    spec = spec_of(
        student={"kind": "linear", "dim": 6, "start": {"scale": 1e-3}},
        optimizer={"lr": 0.02, "steps": 3000},
        evaluation={"points": 60, "horizon": 12},
    )
    result = run(spec)
    for result_of_seed in result.runs:
        mine = np.array(result.series["seed"]) == result_of_seed.seed
        steps, fit_error = (np.array(result.series[name])[mine] for name in ("step", "fit_error"))
        bound = 1e-3 * np.abs(result.teacher_response[:4]).max()
        (first, *_) = (s for s in steps if (fit_error[steps >= s] <= bound).all())
        summary = result_of_seed.summary
        assert summary["steps_to_fit"] == first
        assert summary["time_to_fit"] == pytest.approx(0.02 * first)
        assert summary["plateaus"] >= 1
        assert 0 < summary["plateau_steps"] < first


def test_a_checkpoint_of_an_older_version_leaves_the_metrics_of_the_whole_training_undefined():
    spec = spec_of()
    state, _ = flush(advance(begin(spec), 123))
    older = {name: array for name, array in snapshot(state).items() if name != "history"}
    resumed = finish(advance(resume(spec, older), 10_000)).runs[0].summary
    assert np.isnan(resumed["steps_to_fit"])
    assert np.isfinite(resumed["fit_error"])


def test_recorded_steps_are_the_spaced_ones_and_record_at():
    result = run(spec_of(evaluation={"points": 9, "record_at": [123], "horizon": 12}))
    steps = [
        step
        for seed, step in zip(result.series["seed"], result.series["step"], strict=True)
        if seed == 3
    ]
    assert steps == sorted({*log_spaced_steps(300, 9), 123})
    assert {0, 300, 123} <= set(steps)


@pytest.mark.parametrize(
    ("steps", "points"), [(1, 2), (3, 200), (20_000, 200), (10**9, 2), (50, 50), (51, 50), (7, 5)]
)
def test_log_spaced_steps_are_exactly_as_many_as_requested(steps, points):
    chosen = log_spaced_steps(steps, points)
    assert len(chosen) == len(set(chosen)) == min(points, steps + 1)
    assert (chosen[0], chosen[-1]) == (0, steps)


def test_each_seed_stops_at_its_first_loss_below_the_threshold():
    threshold = 0.05
    free = run(spec_of(evaluation={"points": 400, "horizon": 12}))
    stopped = run(spec_of(optimizer={"stop": {"loss_below": threshold}}))
    for run_of_seed in stopped.runs:
        rows = [i for i, seed in enumerate(free.series["seed"]) if seed == run_of_seed.seed]
        first = next(
            free.series["step"][i] for i in rows if free.series["train_loss"][i] < threshold
        )
        assert (run_of_seed.outcome, run_of_seed.steps) == ("fitted", first)
        last = max(i for i, seed in enumerate(stopped.series["seed"]) if seed == run_of_seed.seed)
        assert stopped.series["step"][last] == first
        assert stopped.series["train_loss"][last] < threshold
    assert len({run_of_seed.steps for run_of_seed in stopped.runs}) > 1


@pytest.mark.parametrize("teacher", TEACHERS.values(), ids=TEACHERS)
def test_each_seed_runs_more_steps_after_its_first_loss_below_the_threshold(teacher):
    def stopped_runs(**stop):
        return run(spec_of(optimizer={"stop": {"loss_below": 0.1, **stop}}, teacher=teacher)).runs

    at_once, later = stopped_runs(), stopped_runs(more_steps=25)
    beyond = stopped_runs(more_steps=1000)
    assert {r.outcome for r in (*at_once, *later, *beyond)} == {"fitted"}
    assert all(r.steps < 275 for r in at_once)
    assert [r.steps for r in later] == [r.steps + 25 for r in at_once]
    assert {r.steps for r in beyond} == {300}, "the rule was met, though the steps ran out"


def test_an_unmet_stop_rule_spends_the_step_budget():
    runs = run(spec_of(optimizer={"steps": 5, "stop": {"loss_below": 1e-9}})).runs
    assert {(r.outcome.value, r.steps) for r in runs} == {("step_budget_spent", 5)}


def test_without_a_stop_rule_the_fit_error_decides():
    loose = run(spec_of(evaluation={"fit_tolerance": 10.0, "horizon": 12})).runs
    strict = run(spec_of(evaluation={"fit_tolerance": 1e-12, "horizon": 12})).runs
    assert {r.outcome.value for r in loose} == {"fitted"}
    assert {r.outcome.value for r in strict} == {"step_budget_spent"}


def test_a_diverged_seed_stops_and_the_others_continue():
    big = [[4.0, 0.0], [0.0, 0.1]]
    explicit = {"kind": "explicit", "A": big, "B": [[3.0], [0.1]], "C": [[3.0, 0.1]]}
    teacher = {"kind": "memoryless"}
    common = {
        "teacher": teacher,
        "training": {"length": 4},
        "evaluation": {"horizon": 8, "points": 5},
    }
    diverged = run(
        spec_of(student={"kind": "linear", "dim": 2, "start": explicit}, seeds=[0], **common)
    )
    (diverged_run,) = diverged.runs
    assert diverged_run.outcome == "diverged"
    assert 0 < diverged_run.steps < 300
    assert diverged.series["step"][-1] == diverged_run.steps
    assert not diverged.series["train_loss"][-1] <= 1e12

    scale = {
        "kind": "linear",
        "dim": 6,
        "structure": "general",
        "start": {"kind": "gaussian", "scale": 1.6},
    }
    mixed = run(spec_of(student=scale, seeds=20, optimizer={"lr": 0.02}))
    outcomes = {r.outcome.value for r in mixed.runs}
    assert "diverged" in outcomes
    assert len(outcomes) > 1
    assert {r.steps for r in mixed.runs if r.outcome != "diverged"} == {300}
    assert all(r.steps < 300 for r in mixed.runs if r.outcome == "diverged")


def test_a_cancelled_training_keeps_its_steps_and_points():
    state = cancel(advance(begin(spec_of()), 40))
    result = finish(state)
    assert {(r.outcome.value, r.steps) for r in result.runs} == {("cancelled", 40)}
    assert result.series["step"][-3:] == [40, 40, 40]


def test_a_training_can_only_be_finished_when_it_is_done():
    with pytest.raises(ValueError, match="at step 40 of 300"):
        finish(advance(begin(spec_of()), 40))


@pytest.mark.parametrize("structure", STRUCTURES)
def test_a_seed_does_not_depend_on_the_other_seeds(structure):
    for r in run(spec_of(structure)).runs:
        assert same(r, run(spec_of(structure, seeds=[r.seed])).runs[0])


def test_in_torch_a_seed_depends_on_the_others_only_by_rounding():
    for r in run(spec_of(teacher=TWO_INPUTS)).runs:
        (alone,) = run(spec_of(teacher=TWO_INPUTS, seeds=[r.seed])).runs
        np.testing.assert_allclose(r.response, alone.response, rtol=1e-12, atol=1e-12)


def test_single_precision_is_near_double_precision():
    single = run(spec_of(numerics={"dtype": "float32"}))
    for ours, exact in zip(single.runs, run(spec_of()).runs, strict=True):
        np.testing.assert_allclose(ours.response, exact.response, atol=1e-4)
        assert ours.response != exact.response


def test_a_missing_device_is_an_error():
    torch = pytest.importorskip("torch")
    if torch.cuda.is_available():
        pytest.skip("this machine has a CUDA device")
    with pytest.raises(NumericsUnavailable, match="no CUDA device"):
        begin(spec_of(), device="cuda")


def test_a_response_of_several_channels_is_nested():
    (r,) = run(spec_of(teacher=TWO_INPUTS, seeds=[0])).runs
    assert np.shape(r.response) == (12, 1, 2)
    assert np.isnan(r.summary["imbalance"])


def test_memory_of_a_long_training_does_not_grow_as_the_square_of_its_length():
    k, d = 2000, 8
    spec = spec_of(
        student={"kind": "linear", "dim": d},
        training={"length": k},
        optimizer={"lr": 1e-4, "steps": 2},
        evaluation={"points": 2, "metrics": sorted(ALL_METRICS - SHARPNESS)},
        seeds=1,
    )
    run(spec)  # what is loaded or compiled once does not count
    tracemalloc.start()
    run(spec)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < k * k * 8 / 4
