"""The balanced teacher: from which training length on, and from which starts, does the student extrapolate?

Theorem (Cohen-Karlik et al. 2023, wording reconstructed): with d > k > 2 d̂, a balanced teacher and a symmetric
student, gradient flow from a balanced start that brings the loss to 0 extrapolates, whatever the student's dimension d.
The paper argues that a start near zero leads to balancedness by itself. A large unstructured start can fit as well and
still fail.

The digits of the paper's own experiments are not known; teacher, scales, steps and bounds here are ours.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from core.evidence import Evidence
from core.spec import (
    BalancedTeacher,
    Evaluation,
    ExperimentSpec,
    GaussianStart,
    GradientDescent,
    LinearStudent,
    ListedEigenvalues,
    Training,
)
from core.spec.student import Structure
from core.studies.study import Claim, Pieces, Size, judged

TEACHER = BalancedTeacher(
    kind="balanced", dim=2, eigenvalues=ListedEigenvalues(kind="list", values=(0.9, -0.5)), weights=(0.7, 0.5)
)
"""ĥ_j = 0.7 · 0.9^j + 0.5 · (-0.5)^j: a slow and an alternating pole, far apart, so that GD converges in time."""

THRESHOLD = 2 * TEACHER.dim
"""2 d̂: the theorem needs k above it."""

PAST_THE_LENGTH = 20
"""The horizon is k + 20."""


ERROR = "median (extrapolation error / zero baseline)"


@dataclass(frozen=True)
class Arm:
    """One start. Scales of the large ones make the spectral radius of A about 1."""

    name: str
    structure: Structure
    scale: float
    balanced: bool


NEAR_ZERO = Arm("near-zero start", "symmetric", 0.001, balanced=False)
LARGE_BALANCED = Arm("large balanced start", "symmetric", 0.7, balanced=True)
LARGE_UNBALANCED = Arm("large unbalanced start", "symmetric", 0.7, balanced=False)
LARGE_GENERAL = Arm("large general start", "general", 1.0, balanced=False)
ARMS = (NEAR_ZERO, LARGE_BALANCED, LARGE_UNBALANCED, LARGE_GENERAL)


@dataclass(frozen=True)
class Extent:
    """How much is run."""

    dim: int
    lengths: tuple[int, ...]
    lr: float
    steps: int
    points: int
    seeds: int


EXTENTS: Mapping[Size, Extent] = MappingProxyType(
    {
        "quick": Extent(dim=30, lengths=(2, 3, 4, 5, 6, 8, 10, 14), lr=0.01, steps=10_000, points=60, seeds=5),
        "full": Extent(
            dim=50,
            lengths=(2, 3, 4, 5, 6, 7, 8, 10, 12, 14, 17, 20, 25, 30),
            lr=0.003,
            steps=200_000,
            points=200,
            seeds=10,
        ),
    }
)


class BalancedStudy:
    """See the module."""

    name = "balanced"
    title = "Balanced teacher: error against training length"
    question = "From which training length, and from which starts, does GD find a student that extrapolates?"

    def experiments(self, size: Size) -> tuple[ExperimentSpec, ...]:
        """Every arm at every training length."""
        return tuple(_spec(arm, k, size) for arm in ARMS for k in EXTENTS[size].lengths)

    def judge(self, size: Size, evidence: Sequence[Evidence]) -> tuple[Claim, ...]:
        """The claims of the module's text as inequalities on medians over seeds."""

        def at(arm: Arm, *lengths: int) -> Pieces:
            return Pieces.of([_spec(arm, k, size) for k in lengths], evidence)

        above = [k for k in EXTENTS[size].lengths if k > THRESHOLD]
        return (
            judged(
                "From a near-zero start GD extrapolates as soon as k > 2 d̂",
                f"max over k > 2 d̂ of {ERROR} < 0.01",
                at(NEAR_ZERO, *above),
                _worst,
                below=0.01,
            ),
            judged(
                "So it does from a large balanced start, as the theorem says",
                f"max over k > 2 d̂ of {ERROR} < 0.1",
                at(LARGE_BALANCED, *above),
                _worst,
                below=0.1,
            ),
            judged(
                "There is a cliff: from k = 2 d̂ - 1 to 2 d̂ + 1 a near-zero start's error falls by orders of magnitude",
                f"ratio of {ERROR} at k = 2 d̂ - 1 and 2 d̂ + 1 > 1000",
                at(NEAR_ZERO, THRESHOLD - 1, THRESHOLD + 1),
                lambda pieces: _relative(pieces[0]) / _relative(pieces[1]),
                above=1000,
            ),
            judged(
                "k > 2 d̂ is needed: at k = 2 d̂ a large balanced start fits and does not extrapolate",
                f"{ERROR} at k = 2 d̂, over seeds that fit > 0.1",
                at(LARGE_BALANCED, THRESHOLD),
                _fitted,
                above=0.1,
            ),
            judged(
                "A large general start fits the training length at k = 2 d̂ + 1",
                "median fit error at k = 2 d̂ + 1 < 0.001",
                at(LARGE_GENERAL, THRESHOLD + 1),
                lambda pieces: pieces[0].median("fit_error"),
                below=0.001,
            ),
            judged(
                "Yet it does not extrapolate: it does no better than answering zero",
                f"{ERROR} at k = 2 d̂ + 1, over seeds that fit > 0.5",
                at(LARGE_GENERAL, THRESHOLD + 1),
                _fitted,
                above=0.5,
            ),
        )


def _relative(piece: Evidence) -> float:
    return piece.median("relative_extrapolation_error")


def _fitted(pieces: Sequence[Evidence]) -> float:
    return pieces[0].median_of_fitted("relative_extrapolation_error")


def _worst(pieces: Sequence[Evidence]) -> float:
    return max(map(_relative, pieces))


def _spec(arm: Arm, length: int, size: Size) -> ExperimentSpec:
    extent = EXTENTS[size]
    return ExperimentSpec(
        name=f"{arm.name}, k = {length}",
        tags=("study:balanced", f"size:{size}"),
        teacher=TEACHER,
        student=LinearStudent(
            kind="linear",
            dim=extent.dim,
            structure=arm.structure,
            start=GaussianStart(scale=arm.scale, balanced=arm.balanced),
        ),
        training=Training(length=length),
        optimizer=GradientDescent(lr=extent.lr, steps=extent.steps),
        evaluation=Evaluation(horizon=length + PAST_THE_LENGTH, points=extent.points, fit_tolerance=0.01),
        seeds=tuple(range(extent.seeds)),
    )
