"""Placebos: evidence without the phenomenon, on which a claim about it must fail.

A claim that holds on such evidence says nothing about training. :data:`core.studies.MUST_FAIL`
lists the placebos of each kind of claim. Nothing is trained here: students are at their starts, and
their responses are replaced by what the placebo says. Another teacher's is that of the output -C:
training on its labels from (A, B, -C) is the mirror image of training on the labels of C from (A,
B, C), so training would reach this response, or less of it. What only the parameters say, such as
ranks and the imbalance, stays that of the start.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache, lru_cache

import numpy as np
import torch

from core import networks
from core.evidence import Evidence, RunEvidence
from core.losses import Target, target_of
from core.metrics import response_metrics
from core.metrics.sequences import sequence_metrics
from core.result import Outcome
from core.spec import ExperimentSpec, has_closed_form
from core.studies import MUST_FAIL, STUDIES, Hypothesis, Placebo, Size, Study, Verdict
from core.training import begin, cancel, finish
from core.training.sequences.inputs import Teacher, evaluation_sequences

ON_RESPONSES = tuple(one for one in Placebo if one is not Placebo.SWAPPED)
"""The placebos that need no results: all but swapped arms."""

SEEDS, SEQUENCES, STATES = 2, 100, 300
"""Enough for verdicts: nothing here depends on many seeds, sequences or states."""

_CPU = torch.device("cpu")


@dataclass(frozen=True)
class PlaceboVerdicts:
    """One claim on every placebo.

    Attributes:
        claim: The claim, judged on students at their starts.
        verdicts: By placebo; None if it has the phenomenon or doesn't concern the claim.
    """

    claim: Hypothesis
    verdicts: Mapping[Placebo, Verdict | None]


def judge(study: Study, size: Size) -> tuple[PlaceboVerdicts, ...]:
    """Judges every claim of a study on every placebo of :data:`ON_RESPONSES`."""
    evidence = {placebo: placebo_evidence(study, size, placebo) for placebo in ON_RESPONSES}
    with np.errstate(all="ignore"):  # slopes of errors that are zero
        judged = {placebo: study.judge(size, given) for placebo, given in evidence.items()}
    harmless: Mapping[Placebo, set[str]] = {
        placebo: {one.experiment_id for one in given if _is_exact(one)}
        for placebo, given in evidence.items()
        if placebo is not Placebo.EXACT
    }
    return tuple(
        PlaceboVerdicts(
            claim,
            {
                placebo: judged[placebo][i].verdict
                if placebo in MUST_FAIL[claim.kind]
                and not set(claim.experiments) <= harmless.get(placebo, set())
                else None
                for placebo in ON_RESPONSES
            },
        )
        for i, claim in enumerate(judged[Placebo.UNTRAINED])
    )


def placebo_evidence(study: Study, size: Size, placebo: Placebo) -> tuple[Evidence, ...]:
    """The evidence of a study under a placebo of :data:`ON_RESPONSES`."""
    untrained = _untrained(study.name, size)
    if placebo is Placebo.UNTRAINED:
        return untrained
    return tuple(_with_responses(experiment, placebo) for experiment in untrained)


@cache
def _untrained(name: str, size: Size) -> tuple[Evidence, ...]:
    return tuple(
        _at_start(spec, f"{name}-{number}")
        for number, spec in enumerate(STUDIES[name].experiments(size))
    )


def _is_exact(experiment: Evidence) -> bool:
    """Whether every student answers as its teacher does."""
    errors = ("extrapolation_error", "sequence_extrapolation_error")
    return all(
        run.outcome is Outcome.FITTED
        and all(not run.summary[name] > 0 for name in errors)  # NaN: the teacher is silent
        for run in experiment.runs
    )


def _at_start(spec: ExperimentSpec, experiment_id: str) -> Evidence:
    result = finish(cancel(begin(_small(spec))))
    runs = tuple(
        RunEvidence(run.seed, _outcome(spec, run.summary), 0, run.summary, np.array(run.response))
        for run in result.runs
    )
    teacher_response = np.array(result.teacher_response)
    return Evidence(spec, experiment_id, runs, tuple(result.baselines), teacher_response)


def _small(spec: ExperimentSpec) -> ExperimentSpec:
    """The spec with at most :data:`SEEDS`, :data:`SEQUENCES` to evaluate on and :data:`STATES`."""
    sequences = min(spec.evaluation.sequences, SEQUENCES)
    evaluation = spec.evaluation.model_copy(update={"sequences": sequences})
    student = spec.student.model_copy(update={"dim": min(spec.student.dim, STATES)})
    parts = {"seeds": spec.seeds[:SEEDS], "evaluation": evaluation, "student": student}
    return spec.model_copy(update=parts)


def _outcome(spec: ExperimentSpec, summary: Mapping[str, float]) -> Outcome:
    """Fitted if no lag before k is off by more than the tolerance."""
    fits = summary["extrapolation_horizon"] >= spec.training.length
    return Outcome.FITTED if fits else Outcome.STEP_BUDGET_SPENT


def _with_responses(experiment: Evidence, placebo: Placebo) -> Evidence:
    """The experiment whose students respond as the placebo says."""
    spec, teacher = experiment.spec, experiment.teacher_response
    assert teacher is not None  # noqa: S101  # every untrained experiment has it
    runs = []
    for run in experiment.runs:
        generator = np.random.default_rng(run.seed)
        response = _placebo(teacher, placebo, spec.training.length, generator)
        summary = run.summary | _metrics(spec, response, teacher, placebo, generator)
        outcome = _outcome(spec, summary)
        runs.append(replace(run, response=response, summary=summary, outcome=outcome))
    return replace(experiment, runs=tuple(runs))


def _placebo(
    teacher: np.ndarray, placebo: Placebo, length: int, generator: np.random.Generator
) -> np.ndarray:
    """The values of a student for those of its teacher, (q, ...), times first."""
    scale = np.sqrt(np.mean(teacher**2))
    values = teacher.copy()
    match placebo:
        case Placebo.EXACT:
            pass
        case Placebo.OTHER_TEACHER:
            values *= -1  # that of the teacher with the output -C
        case Placebo.SILENT:
            values[:] = 0
        case Placebo.SHORT_MEMORY:
            values[length:] = 0
        case Placebo.RANDOM_BEYOND:
            values[length:] = scale * generator.standard_normal(values[length:].shape)
        case _:
            raise ValueError(f"{placebo} has no responses")
    return values


def _metrics(
    spec: ExperimentSpec,
    response: np.ndarray,
    teacher: np.ndarray,
    placebo: Placebo,
    generator: np.random.Generator,
) -> dict[str, float]:
    """The metrics that follow from what the student answers."""
    tolerance, k = spec.evaluation.fit_tolerance, spec.training.length
    if has_closed_form(spec.teacher, spec.student):
        target = target_of(spec)
        metrics = response_metrics(response.reshape(target.response.shape), target, tolerance)
    else:
        shape = (spec.horizon, *(teacher.shape[1:] or (1, 1)))
        target = Target(teacher.reshape(shape), np.full((k, k), np.nan))
        labels, windows = _outputs(_small(spec))
        if placebo is Placebo.SHORT_MEMORY:
            outputs = windows
        else:
            outputs = _placebo(labels, placebo, k, generator)
        error = np.sum((outputs - labels) ** 2, axis=-1).mean(axis=1)
        deviation = labels - labels.mean(axis=1, keepdims=True)
        variance = np.sum(deviation**2, axis=-1).mean(axis=1)
        metrics = response_metrics(response.reshape(shape), target, tolerance)
        sequences = sequence_metrics(error[None], variance, k)
        metrics |= {name: value[0] for name, value in sequences.items()}
        metrics["train_loss"] = (
            error[k - 1] if spec.training.outputs == "last" else error[:k].mean()
        )
    return {name: float(value) for name, value in metrics.items()}


@lru_cache(maxsize=1)
def _outputs(spec: ExperimentSpec) -> tuple[np.ndarray, np.ndarray]:
    """The teacher's outputs on the evaluation sequences, and those of one that forgets.

    The latter starts at rest k steps before each output. Both are (q, N, p).
    """
    teacher = Teacher(*networks.of_teacher(spec.teacher), torch.float64, _CPU)
    sequences = torch.from_numpy(evaluation_sequences(spec))
    labels = teacher.outputs(sequences[None], last=False)[0]
    k, (q, count, _) = spec.training.length, sequences.shape
    windows = torch.cat([sequences[t - k + 1 : t + 1] for t in range(k, q)], dim=1)
    late = teacher.outputs(windows[None], last=True)[0, 0].unflatten(0, (q - k, count))
    return labels.numpy(), torch.cat([labels[:k], late]).numpy()
