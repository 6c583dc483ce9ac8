"""Baselines: methods of system identification beside GD.

Ho-Kalman realisation (ERA), balanced truncation, subspace identification and least squares for the
first k responses (FIR) are compared with GD from a near-zero start. They are not given the same:
ERA, FIR and GD have the first k responses, balanced truncation has the teacher itself and only
reduces it, and subspace identification has 512 fresh sequences of length k with all their outputs.
Labels have no noise, so exact methods are exact. Realisation theory is exact from 2 d̂ responses on
(Antoulas 2005). The theorem on GD asks for 2 d̂ + 1: so many moments determine a measure of d̂ atoms
among all nonnegative measures, of any number of atoms.

The setting and the bounds are ours.
"""

from collections.abc import Mapping, Sequence

from core.evidence import Evidence
from core.panels import ZERO_BASELINE, Line, Mark, Panel, quartile_line
from core.references import ANTOULAS_2005, COHEN_KARLIK_2023
from core.spec import SweepSpec
from core.studies.setting import ERROR, NEAR_ZERO, TEACHER, THRESHOLD, sweep, worst_error, zip_axis
from core.studies.study import ClaimKind, Hypothesis, Size, Study, judge_hypothesis
from core.symbols import axis_label

GD = "GD from a near-zero start"
METHODS: Mapping[str, str] = {
    "era": "Ho-Kalman (ERA)",
    "balanced_truncation": "balanced truncation",
    "subspace": "subspace identification",
    "least_squares": "least squares (FIR)",
}
LENGTHS = (2, 3, 4, 5, 6, 8, 10, 14)
METRIC = "relative_extrapolation_error"


class BaselinesStudy(Study):
    """The study that this module describes."""

    name = "baselines"
    headline = "Baselines: GD beside system identification"
    title = "GD beside methods of system identification"
    question = "Is GD as good as methods that look for a small system by design?"
    works = (ANTOULAS_2005, COHEN_KARLIK_2023)

    def sweeps(self, size: Size) -> Mapping[str, SweepSpec]:
        """GD from near zero at every training length, with all baselines."""
        is_full = size == "full"
        return {
            GD: sweep(
                {
                    "teacher": TEACHER,
                    "student": {"kind": "linear", "dim": 50 if is_full else 30, **NEAR_ZERO},
                    "optimizer": {
                        "lr": 0.003 if is_full else 0.01,
                        "steps": 200_000 if is_full else 10_000,
                    },
                    "evaluation": {"points": 60, "fit_tolerance": 0.01, "baselines": list(METHODS)},
                    "seeds": 10 if is_full else 5,
                },
                zip_axis([{"training.length": k, "evaluation.horizon": k + 20} for k in LENGTHS]),
            )
        }

    def judge(self, size: Size, evidence: Sequence[Evidence]) -> tuple[Hypothesis, ...]:
        """Judges the hypotheses that follow from the module's text."""
        at_least_threshold = self.arm(
            size, evidence, GD, length=[k for k in LENGTHS if k >= THRESHOLD]
        )
        return (
            judge_hypothesis(
                "ERA is exact from k = 2 d̂ on",
                "max over k >= 2 d̂ of its error / zero baseline < 1e-8",
                at_least_threshold,
                lambda experiments: max(_error(experiment, "era") for experiment in experiments),
                kind=ClaimKind.METHOD,
                below=1e-8,
            ),
            judge_hypothesis(
                "Below 2 d̂ it fails, as everything else does",
                "its error / zero baseline at k = 2 d̂ - 2 > 0.1",
                self.arm(size, evidence, GD, length=THRESHOLD - 2),
                lambda experiments: _error(experiments[0], "era"),
                kind=ClaimKind.METHOD,
                above=0.1,
            ),
            judge_hypothesis(
                "GD from a near-zero start comes close to it without knowing the order",
                f"max over k > 2 d̂ of {ERROR} < 0.001",
                self.arm(size, evidence, GD, length=[k for k in LENGTHS if k > THRESHOLD]),
                worst_error,
                kind=ClaimKind.EXTRAPOLATES,
                below=0.001,
            ),
            judge_hypothesis(
                "Least squares for the first k responses never extrapolates: it is the zero "
                "baseline",
                "min over k of its error / zero baseline > 0.99",
                self.arm(size, evidence, GD),
                lambda experiments: min(
                    _error(experiment, "least_squares") for experiment in experiments
                ),
                kind=ClaimKind.METHOD,
                above=0.99,
            ),
        )

    def panels(self, size: Size, evidence: Sequence[Evidence]) -> tuple[Panel, ...]:
        """The error against the training length, one line per method."""
        experiments = sorted(self.arm(size, evidence, GD).experiments, key=_length)
        lines = [quartile_line(GD, experiments, _length)]
        for method, name in METHODS.items():
            lines.append(
                Line(
                    label=name,
                    x=[_length(experiment) for experiment in experiments],
                    y=[_error(experiment, method) for experiment in experiments],
                )
            )
        return (
            Panel(
                x=axis_label("training.length"),
                y=axis_label("relative_extrapolation_error"),
                lines=lines,
                levels=[ZERO_BASELINE],
                limits=[Mark(label=f"k = 2 d̂ = {THRESHOLD}", at=THRESHOLD)],
            ),
        )


def _length(experiment: Evidence) -> float:
    return float(experiment.spec.training.length)


def _error(experiment: Evidence, method: str) -> float:
    errors = (result.summary[METRIC] for result in experiment.baselines if result.name == method)
    return next(errors, float("nan"))
