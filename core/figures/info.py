"""The data of a figure, as a frozen value that is also the figure's JSON."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from pydantic import BaseModel, ConfigDict

from core.errors import ExtrapolabError
from core.figures.view import TrainingAxis
from core.labels import capitalised, how_many, value_label, value_words, with_article
from core.result import DIVERGED_ABOVE, ExperimentResult, Outcome
from core.spec import ExperimentSpec, LinearStudent, states
from core.spec.experiment import Trajectory
from core.spec.hashing import hashes
from core.statistics import over_curves, with_band

Series = Mapping[str, np.ndarray]
"""Recorded points in long form: columns ``seed``, ``step`` and metric names, and trajectories with
further axes."""

MANY_SEEDS = 12
"""With more seeds than this, a figure shows their median among thin lines."""


class NotDrawable(ExtrapolabError):
    """The figure can't be drawn; the message says why and, if possible, the remedy."""


class Info(BaseModel):
    """The data of any figure.

    Attributes:
        title: What the figure shows, in one line.
        source: The setups that the numbers come from, shortened.
        caption: What the figure shows and of what, in full sentences.
        spec_hashes: Hashes of all experiments that the numbers come from, sorted.
    """

    model_config = ConfigDict(frozen=True, ser_json_inf_nan="strings")

    title: str
    source: str
    caption: str
    spec_hashes: list[str]


class Line(BaseModel):
    """A line."""

    model_config = ConfigDict(frozen=True, ser_json_inf_nan="strings")

    x: list[float]
    y: list[float]


class SeedLine(Line):
    """A line of one seed."""

    seed: int


def heading(
    spec: ExperimentSpec,
    result: ExperimentResult | None,
    subject: str,
    description: str,
    *,
    along_training: bool | None = None,
) -> dict[str, Any]:
    """The common data of a figure of one experiment.

    Args:
        spec: The experiment's spec.
        result: Its result, if it has one.
        subject: What the figure shows, in a few words.
        description: What its lines and marks are, in a sentence.
        along_training: Whether the lines were recorded along the training; None if it shows no
            :func:`median_line`.
    """
    student, outcomes = spec.student, [run.outcome for run in result.runs] if result else []
    title = (
        f"{subject}: {teacher_words(spec)}, {student.words} d = {student.dim}, "
        f"k = {spec.training.length}"
    )
    sentences = [f"{subject}.", description, describe(spec), how_many_fit(outcomes)]
    if along_training is not None and len(outcomes) > MANY_SEEDS:
        sentences.append(how_divergence_counts(outcomes, along_training=along_training))
    return {
        "title": f"{spec.name}\n{title}" if spec.name else title,
        "caption": " ".join(filter(None, sentences)),
        **sources([spec]),
    }


def describe(spec: ExperimentSpec) -> str:
    """A sentence on the student, its teacher and its training."""
    teacher, student, optimizer = spec.teacher, spec.student, spec.optimizer
    start = student.start
    scale, rate = getattr(start, "scale", None), getattr(optimizer, "lr", None)
    of_scale = "" if scale is None else f" of scale {value_label('student.start.scale', scale)}"
    at_rate = "" if rate is None else f" with {value_label('optimizer.lr', rate)}"
    learner, source = with_article(student.words), with_article(teacher_words(spec))
    return (
        f"{capitalised(learner)} of d = {how_many(student.dim, 'state')}, from "
        f"{with_article(value_words(start.kind))} start{of_scale}, learned {source} of "
        f"d̂ = {how_many(states(teacher), 'state')} by {value_words(optimizer.kind)}{at_rate} from "
        f"sequences of length k = {spec.training.length}; horizon q = {spec.horizon}, "
        f"{how_many(len(spec.seeds), 'seed')}."
    )


def how_many_fit(outcomes: Sequence[str], noun: str = "seed") -> str:
    """A sentence on how many of these runs fit; "" if there are none.

    Example:
        >>> how_many_fit(["fitted", "fitted", "diverged"]), how_many_fit(["fitted"], "run")
        ('2 of 3 seeds fit; 1 diverged.', '1 of 1 run fits.')
    """
    count, diverged = len(outcomes), list(outcomes).count(Outcome.DIVERGED)
    if not count:
        return ""
    fit = f"{noun} fits" if count == 1 else f"{noun}s fit"
    lost = f"; {diverged} diverged" if diverged else ""
    return f"{list(outcomes).count(Outcome.FITTED)} of {count} {fit}{lost}."


def how_divergence_counts(outcomes: Sequence[str], *, along_training: bool) -> str:
    """A sentence on what diverged runs are in a statistic; "" if none of these runs diverged.

    It says what :func:`core.statistics.curves_as_counted` and
    :func:`core.statistics.as_counted` do.
    """
    if Outcome.DIVERGED not in outcomes:
        return ""
    if along_training:
        return "A diverged run keeps its last recorded value, infinite once it overflowed."
    return "A diverged run counts as infinite."


def teacher_words(spec: ExperimentSpec) -> str:
    """The teacher without its dimension, such as ``balanced teacher``."""
    return f"{value_words(spec.teacher.kind)} teacher"


def sources(specs: Sequence[ExperimentSpec]) -> dict[str, Any]:
    """``source`` and ``spec_hashes`` of a figure of experiments with these specs."""
    pairs = [hashes(spec) for spec in specs]
    setups = sorted({setup_hash[:12] for setup_hash, _ in pairs})
    shown = ", ".join(setups[:3]) + (f" and {len(setups) - 3} more" if len(setups) > 3 else "")
    return {
        "source": f"Extrapolab, setup {shown}",
        "spec_hashes": sorted({spec_hash for _, spec_hash in pairs}),
    }


def linear_student(spec: ExperimentSpec) -> LinearStudent:
    """The student; raises NotDrawable if it has no A."""
    if not isinstance(spec.student, LinearStudent):
        raise NotDrawable(
            f"{with_article(spec.student.words)} has no A, B and C, so there is nothing to draw"
        )
    return spec.student


def recorded_trajectory(spec: ExperimentSpec, series: Series, name: Trajectory) -> np.ndarray:
    """A trajectory in the order of the other columns; raises NotDrawable if it is not recorded."""
    if name == "eigenvalues":
        linear_student(spec)
    if name not in spec.evaluation.record:
        record = str([*spec.evaluation.record, name]).replace("'", '"')
        raise NotDrawable(
            f"the experiment did not record its {name}: submit it with evaluation.record: {record}"
        )
    if name not in series:
        raise NotDrawable(f"the experiment was imported, without its recorded {name}")
    return series[name]


def series_line(series: Series, seed: int, metric: str, x: TrainingAxis = "step") -> SeedLine:
    """A metric of one seed by step or by training time."""
    rows = series["seed"] == seed
    return SeedLine(seed=seed, x=series[x][rows].tolist(), y=series[metric][rows].tolist())


def diverged_seeds(result: ExperimentResult | None, series: Series | None = None) -> list[int]:
    """The seeds that diverged; before there is a result, those whose recorded loss says so."""
    if result or series is None:
        return _seeds_with(Outcome.DIVERGED, result)
    has_diverged = ~(series["train_loss"] <= DIVERGED_ABOVE)
    seeds: list[int] = np.unique(series["seed"][has_diverged]).tolist()
    return seeds


def not_fitted_seeds(result: ExperimentResult | None) -> list[int]:
    """The seeds that ran to the end and do not fit; none before there is a result."""
    return _seeds_with(Outcome.STEP_BUDGET_SPENT, result)


def _seeds_with(outcome: Outcome, result: ExperimentResult | None) -> list[int]:
    return [run.seed for run in result.runs if run.outcome is outcome] if result else []


def median_line(
    lines: Sequence[SeedLine], diverged: Sequence[int], *, recorded: bool
) -> Line | None:
    """The median of more than :data:`MANY_SEEDS` seeds; None for fewer.

    Args:
        lines: A line per seed.
        diverged: The seeds that diverged.
        recorded: Whether the lines were recorded along the training, as in
            :func:`core.statistics.curves_as_counted`.
    """
    if len(lines) <= MANY_SEEDS:
        return None
    x, statistics = statistics_along(lines, diverged, recorded=recorded)
    median, _, _ = with_band(statistics, "median", "none")
    return Line(x=x.tolist(), y=median.tolist())


def statistics_along(
    lines: Sequence[SeedLine], diverged: Sequence[int], *, recorded: bool
) -> tuple[np.ndarray, np.ndarray]:
    """The places on x of all lines, and the statistics over the seeds there.

    Returns:
        x, and (statistics, places), of :func:`core.statistics.over_curves`.
    """
    lines = [line for line in lines if line.x]
    is_diverged = [line.seed in diverged for line in lines]
    return over_curves([(line.x, line.y) for line in lines], is_diverged, recorded=recorded)
