"""Baselines: methods of system identification beside GD.

They are not given the same. GD from a near-zero start, least squares for the first k responses
(FIR), Ho-Kalman realisation (ERA) of these, Hankel nuclear norm and regularised least squares have
the training's sequences and the last output of each. Without noise these determine the first k
responses. Subspace identification has all outputs of the sequences: of 512 fresh ones of length k
where the loss is a population's, else of the training's. Balanced truncation has the teacher itself
and only reduces it.

Without noise, exact methods are exact. Realisation theory is exact from 2 d̂ responses on (Antoulas
2005). The theorem on GD asks for 2 d̂ + 1: so many moments determine a measure of d̂ atoms among all
nonnegative measures, of any number of atoms. The nuclear norm is a relaxation of the rank, and need
not find the least one (Fazel et al. 2013). The kernel of regularised least squares (Chen et al.
2012) continues a response past k by a single decay.

With noise on the labels, methods have to choose. ERA and subspace identification cut the order
where the singular values fall most. Nuclear norm and kernel are told the noise's standard
deviation. GD is told neither noise nor order, and runs as many steps as without noise.

The setting, the noise, the sample sizes and the bounds are ours.
"""

from collections.abc import Mapping, Sequence

from core.evidence import Evidence
from core.panels import ZERO_BASELINE, Line, Mark, Panel, quartile_line
from core.references import ANTOULAS_2005, CHEN_2012, COHEN_KARLIK_2023, FAZEL_2013
from core.spec import SweepSpec
from core.statistics import statistic
from core.studies.setting import (
    ERROR,
    NEAR_ZERO,
    TEACHER,
    THRESHOLD,
    pooled_median,
    sample_size,
    sweep,
    worst_error,
    zip_axis,
)
from core.studies.study import ClaimKind, EvidenceSlice, Hypothesis, Size, Study, judge_hypothesis
from core.symbols import axis_label

GD, NOISY = "GD from a near-zero start", "noise on the labels"
METHODS: Mapping[str, str] = {
    "era": "Ho-Kalman (ERA)",
    "nuclear_norm": "Hankel nuclear norm",
    "kernel": "regularised least squares",
    "subspace": "subspace identification",
    "least_squares": "least squares (FIR)",
    "balanced_truncation": "balanced truncation",
}
GIVEN_THE_TEACHER = "balanced_truncation"
FROM_LABELS = ("era", "nuclear_norm", "kernel", "subspace")
"""The methods that estimate from labels and say something past k."""

LENGTHS = (2, 3, 4, 5, 6, 8, 10, 14)
NOISE, NOISY_LENGTH = 0.1, 10
SAMPLE_SIZES: Mapping[Size, tuple[int, ...]] = {
    "quick": (32, 128, 512),
    "full": (16, 64, 256, 1024),
}
METRIC = "relative_extrapolation_error"


class BaselinesStudy(Study):
    """The study that this module describes."""

    name = "baselines"
    headline = "Baselines: GD beside system identification"
    title = "GD beside methods of system identification"
    question = "Is GD as good as methods that look for a small system by design?"
    works = (ANTOULAS_2005, FAZEL_2013, CHEN_2012, COHEN_KARLIK_2023)

    def sweeps(self, size: Size) -> Mapping[str, SweepSpec]:
        """GD from near zero at every training length, with all baselines."""
        is_full = size == "full"
        base = {
            "teacher": TEACHER,
            "student": {"kind": "linear", "dim": 50 if is_full else 30, **NEAR_ZERO},
            "optimizer": {
                "lr": 0.003 if is_full else 0.01,
                "steps": 200_000 if is_full else 10_000,
            },
            "evaluation": {"points": 60, "fit_tolerance": 0.01, "baselines": list(METHODS)},
            "seeds": 10 if is_full else 5,
        }
        noisy = {
            "length": NOISY_LENGTH,
            "loss": {"kind": "finite_sample", "noise": NOISE},
        }
        evaluation = {"horizon": NOISY_LENGTH + 20, "fit_tolerance": 0.1, "metrics": []}
        return {
            GD: sweep(
                base,
                zip_axis([{"training.length": k, "evaluation.horizon": k + 20} for k in LENGTHS]),
            ),
            NOISY: sweep(
                {
                    **base,
                    "training": noisy,
                    "evaluation": {**base["evaluation"], **evaluation},  # type: ignore[dict-item]  # a dict
                    "seeds": 3 if is_full else 1,
                },
                {"path": "training.loss.sequences", "values": SAMPLE_SIZES[size]},
                {"path": "training.loss.seed", "values": list(range(10 if is_full else 6))},
            ),
        }

    def judge(self, size: Size, evidence: Sequence[Evidence]) -> tuple[Hypothesis, ...]:
        """Judges the hypotheses that follow from the module's text."""

        def exact(*lengths: int) -> EvidenceSlice:
            return self.arm(size, evidence, GD, length=lengths)

        above = [k for k in LENGTHS if k > THRESHOLD]
        noisy = self.arm(size, evidence, NOISY)
        of_samples = f"with noise {NOISE:g} at k = {NOISY_LENGTH}, medians over samples"
        return (
            judge_hypothesis(
                "ERA is exact from k = 2 d̂ on",
                "max over k >= 2 d̂ of its error / zero baseline < 1e-8",
                exact(THRESHOLD, *above),
                lambda experiments: max(_error(experiment, "era") for experiment in experiments),
                kind=ClaimKind.METHOD,
                below=1e-8,
            ),
            judge_hypothesis(
                "At k = 2 d̂ - 2 it fails",
                "its error / zero baseline > 0.1",
                exact(THRESHOLD - 2),
                lambda experiments: _error(experiments[0], "era"),
                kind=ClaimKind.METHOD,
                above=0.1,
            ),
            judge_hypothesis(
                "The response of least nuclear norm is still wrong at k = 2 d̂, where ERA is exact",
                "its error / zero baseline > 0.1",
                exact(THRESHOLD),
                lambda experiments: _error(experiments[0], "nuclear_norm"),
                kind=ClaimKind.METHOD,
                above=0.1,
            ),
            judge_hypothesis(
                "It is right from k = 2 d̂ + 2 on",
                "max over k > 2 d̂ + 1 of its error / zero baseline < 0.001",
                exact(*[k for k in above if k > THRESHOLD + 1]),
                lambda experiments: max(
                    _error(experiment, "nuclear_norm") for experiment in experiments
                ),
                kind=ClaimKind.METHOD,
                below=0.001,
            ),
            judge_hypothesis(
                "Regularised least squares doesn't extrapolate at any k: its kernel knows one "
                "decay, and the teacher has two",
                "min over k of its error / zero baseline > 0.1",
                exact(*LENGTHS),
                lambda experiments: min(_error(experiment, "kernel") for experiment in experiments),
                kind=ClaimKind.METHOD,
                above=0.1,
            ),
            judge_hypothesis(
                "GD from a near-zero start comes close to ERA without knowing the order",
                f"max over k > 2 d̂ of {ERROR} < 0.001",
                exact(*above),
                worst_error,
                kind=ClaimKind.EXTRAPOLATES,
                below=0.001,
            ),
            judge_hypothesis(
                "With noise on the labels, GD errs about as little past k as the best of the "
                "methods that learn from them, and is told neither noise nor order",
                f"max over N of the error of GD / the least of those methods, {of_samples} < 2",
                noisy,
                lambda experiments: max(
                    _pooled(of_one) / min(_pooled(of_one, method) for method in FROM_LABELS)
                    for of_one in _by_sample_size(experiments).values()
                ),
                kind=ClaimKind.EXTRAPOLATES,
                below=2,
            ),
        )

    def panels(self, size: Size, evidence: Sequence[Evidence]) -> tuple[Panel, ...]:
        """The error against the training length, and with noise against the sample size."""
        experiments = sorted(self.arm(size, evidence, GD).experiments, key=_length)
        noisy = self.arm(size, evidence, NOISY).experiments
        groups = _by_sample_size(noisy)
        return (
            Panel(
                title="without noise",
                x=axis_label("training.length"),
                y=axis_label(METRIC),
                lines=[
                    quartile_line(GD, experiments, _length),
                    *(
                        Line(
                            label=name,
                            x=[_length(experiment) for experiment in experiments],
                            y=[_error(experiment, method) for experiment in experiments],
                            dashed=method == GIVEN_THE_TEACHER,
                        )
                        for method, name in METHODS.items()
                    ),
                ],
                levels=[ZERO_BASELINE],
                limits=[Mark(label=f"k = 2 d̂ = {THRESHOLD}", at=THRESHOLD)],
            ),
            Panel(
                title=f"noise {NOISE:g} on the labels, k = {NOISY_LENGTH}",
                x=axis_label("training.loss.sequences"),
                y=f"{axis_label(METRIC)}\nmedian over samples",
                x_scale="log",
                lines=[
                    quartile_line(GD, noisy, sample_size),
                    *(
                        Line(
                            label=name,
                            x=[float(count) for count in groups],
                            y=[_pooled(of_one, method) for of_one in groups.values()],
                        )
                        for method, name in METHODS.items()
                        if method != GIVEN_THE_TEACHER
                    ),
                ],
                levels=[ZERO_BASELINE],
            ),
        )


def _length(experiment: Evidence) -> float:
    return float(experiment.spec.training.length)


def _error(experiment: Evidence, method: str) -> float:
    errors = (result.summary[METRIC] for result in experiment.baselines if result.name == method)
    return next(errors, float("nan"))


def _by_sample_size(experiments: Sequence[Evidence]) -> dict[float, list[Evidence]]:
    groups: dict[float, list[Evidence]] = {}
    for experiment in experiments:
        groups.setdefault(sample_size(experiment), []).append(experiment)
    return groups


def _pooled(experiments: Sequence[Evidence], method: str | None = None) -> float:
    """The median error over samples, of GD over its seeds too, or of one method."""
    if method is None:
        return pooled_median(experiments, METRIC)
    return statistic("median", [_error(experiment, method) for experiment in experiments])
