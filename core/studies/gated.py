"""Non-linear networks: GRU, LSTM and tanh students of teachers of their kind.

Cohen-Karlik et al. (2023) repeat the experiment with recurrent networks that no theory covers: a
small GRU as the teacher, a much larger GRU as the student, Adam, Gaussian inputs. A student that
fits short sequences follows the teacher on sequences several times as long, and its states stay in
few dimensions. LSTM and tanh networks are our extension.

The protocol is from memory; the dimensions, steps and bounds are ours. The error at time t is the
squared error over the variance of the teacher's output; a student that always answers the mean has
an error of 1. Teachers have the library's initialisation, whose memory is short, so there is little
to remember far back.
"""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from core.evidence import Evidence
from core.panels import Mark, Panel, quartile_line
from core.references import COHEN_KARLIK_2023
from core.spec import SweepSpec
from core.studies.setting import sweep, zip_axis
from core.studies.study import ClaimKind, Hypothesis, Size, Study, judge_hypothesis
from core.symbols import axis_label

LENGTHS: Mapping[Size, tuple[int, ...]] = {"quick": (2, 5, 10), "full": (2, 3, 5, 8, 10, 15, 20)}
LONGEST: Mapping[Size, int] = {"quick": 10, "full": 20}
SHORTEST = 2
EXTRAPOLATION, FIT = "sequence_extrapolation_error", "sequence_fit_error"


class _NonLinearStudy(Study):
    """One arm per kind of network, over training lengths."""

    kinds: ClassVar[tuple[str, ...]]

    def sweeps(self, size: Size) -> Mapping[str, SweepSpec]:
        """Every kind at every training length; the horizon is four times the length."""
        is_full = size == "full"
        return {
            kind: sweep(
                {
                    "teacher": {"kind": kind, "dim": 10 if is_full else 4, "seed": 1},
                    "student": {"kind": kind, "dim": 100 if is_full else 24},
                    "training": {"outputs": "all"},
                    "optimizer": self._optimizer(size),
                    "evaluation": {
                        "points": 30,
                        "sequences": 2000 if is_full else 500,
                        "fit_tolerance": 0.05,
                    },
                    "seeds": 5 if is_full else 3,
                },
                zip_axis(
                    [{"training.length": k, "evaluation.horizon": 4 * k} for k in LENGTHS[size]]
                ),
            )
            for kind in self.kinds
        }

    def _optimizer(self, size: Size) -> Mapping[str, Any]:
        if size == "full":
            return {
                "kind": "adam",
                "lr": 0.003,
                "steps": 20_000,
                "batch_size": 512,
                "schedule": {"kind": "cosine"},
            }
        return {
            "kind": "adam",
            "lr": 0.01,
            "steps": 1200,
            "batch_size": 64,
            "schedule": {"kind": "cosine"},
        }

    def judge(self, size: Size, evidence: Sequence[Evidence]) -> tuple[Hypothesis, ...]:
        """Judges for each kind whether the longest sequences are fitted and extrapolated."""
        return tuple(
            claim
            for kind in self.kinds
            for longest in [self.arm(size, evidence, kind, length=LONGEST[size])]
            for both in [self.arm(size, evidence, kind, length=[SHORTEST]) + longest]
            for claim in (
                judge_hypothesis(
                    f"A {kind} student fits sequences of {LONGEST[size]}",
                    "median of max over t < k of squared error / variance < 0.05",
                    longest,
                    lambda experiments: experiments[0].median(FIT),
                    kind=ClaimKind.FITS,
                    below=0.05,
                ),
                judge_hypothesis(
                    f"It follows its {kind} teacher up to four times that length",
                    "median of max over k <= t < 4 k of squared error / variance < 0.1",
                    longest,
                    lambda experiments: experiments[0].median(EXTRAPOLATION),
                    kind=ClaimKind.EXTRAPOLATES,
                    below=0.1,
                ),
                judge_hypothesis(
                    f"The states of a {kind} student live in far fewer dimensions than it has",
                    "median effective rank of the states' covariance / d < 0.5",
                    longest,
                    lambda experiments: (
                        experiments[0].median("state_effective_rank")
                        / experiments[0].spec.student.dim
                    ),
                    kind=ClaimKind.EXTRAPOLATES,
                    below=0.5,
                ),
                judge_hypothesis(
                    f"Sequences of {SHORTEST} don't tell a {kind} student what comes later",
                    f"median error past k, at k = {SHORTEST} over that at k = {LONGEST[size]} > 5",
                    both,
                    lambda experiments: (
                        experiments[0].median(EXTRAPOLATION) / experiments[1].median(EXTRAPOLATION)
                    ),
                    kind=ClaimKind.CONTRAST,
                    above=5,
                ),
            )
        )

    def panels(self, size: Size, evidence: Sequence[Evidence]) -> tuple[Panel, ...]:
        """Fit and extrapolation error against training length."""
        lines = [
            quartile_line(
                f"{kind}, {words}", self.arm(size, evidence, kind).experiments, _length, metric
            )
            for kind in self.kinds
            for metric, words in ((FIT, "t < k"), (EXTRAPOLATION, "k ≤ t < 4 k"))
        ]
        answer = [Mark(label="answering the mean", at=1.0)]
        return (
            Panel(
                x=axis_label("training.length"),
                y="squared error / variance, largest over t",
                lines=lines,
                levels=answer,
            ),
        )


class GruStudy(_NonLinearStudy):
    """The study that this module describes."""

    name = "gru"
    headline = "GRU networks: extrapolation with gates"
    title = "GRU students of a GRU teacher"
    question = "Do gated students extrapolate as linear ones do?"
    works = (COHEN_KARLIK_2023,)
    kinds = ("gru",)


class LstmTanhStudy(_NonLinearStudy):
    """The study that this module describes."""

    name = "lstm-tanh"
    headline = "LSTM and tanh: the same test for other networks"
    title = "LSTM and tanh students of teachers of their kind"
    question = "Do other non-linear networks do what GRU students do?"
    works = (COHEN_KARLIK_2023,)
    kinds = ("lstm", "tanh_rnn")


def _length(experiment: Evidence) -> float:
    return experiment.spec.training.length
