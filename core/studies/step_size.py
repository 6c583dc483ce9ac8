"""The step size: how far GD is from gradient flow, and what happens above 2 / sharpness.

The theorem is on gradient flow. GD with a small step follows it at a distance proportional to the
step size. It can settle at a solution only if lr < 2 / sharpness there; above, it need not blow up:
it may oscillate for ever, and only much larger steps diverge ("not converged" and "diverged" are
different ends).

The statements are standard; the steps and bounds are ours.
"""

from collections.abc import Mapping, Sequence

from core.evidence import Evidence
from core.panels import Line, Mark, Panel, quartiles
from core.result import Outcome
from core.spec import GradientDescent, SweepSpec
from core.studies.setting import ERROR, NEAR_ZERO, TEACHER, slope, sweep, together, worst
from core.studies.study import Claim, Size, Study, judged

BELOW, ABOVE = "below the bound", "around and above the bound"
RATES = (0.0005, 0.001, 0.002, 0.004, 0.008)
LARGE_RATES = (0.02, 0.04, 0.05, 0.06, 0.08, 0.3, 1.0)
SETTLES, OSCILLATES, DIVERGES = 0.04, 0.06, 1.0
TIME = 10.0
"""Training time, lr x steps, at which GD is compared with the flow: in mid-training, where they
differ most."""

LENGTH = 6


class StepSizeStudy(Study):
    """See the module."""

    name = "step-size"
    title = "The step size: distance to gradient flow, and the bound 2 / sharpness"
    question = "How small must the steps be for GD to do what gradient flow does?"

    def sweeps(self, size: Size) -> Mapping[str, SweepSpec]:
        """Small steps to one training time, compared with the flow; large ones for many steps."""
        base = {
            "teacher": TEACHER,
            "student": {"kind": "linear", "dim": 20, **NEAR_ZERO},
            "training": {"length": LENGTH},
            "evaluation": {"horizon": LENGTH + 20, "points": 60, "fit_tolerance": 0.01},
            "seeds": 10 if size == "full" else 3,
        }
        return {
            BELOW: sweep(
                {**base, "evaluation": {**base["evaluation"], "flow": True}},  # type: ignore[dict-item]  # a dict
                together(
                    [{"optimizer.lr": lr, "optimizer.steps": round(TIME / lr)} for lr in RATES]
                ),
            ),
            ABOVE: sweep(
                {**base, "optimizer": {"steps": 200_000 if size == "full" else 30_000}},
                {"path": "optimizer.lr", "values": LARGE_RATES},
            ),
        }

    def judge(self, size: Size, evidence: Sequence[Evidence]) -> tuple[Claim, ...]:
        """The claims of the module's text."""
        return (
            judged(
                "The distance to gradient flow is proportional to the step size",
                "|exponent of median flow distance in lr - 1| < 0.2",
                self.arm(size, evidence, BELOW),
                lambda pieces: abs(
                    slope(RATES, [piece.median("flow_distance") for piece in pieces]) - 1
                ),
                below=0.2,
            ),
            judged(
                f"Below 2 / sharpness GD settles and extrapolates (lr = {SETTLES})",
                f"{ERROR} at lr = {SETTLES} < 0.001",
                self.arm(size, evidence, ABOVE, lr=SETTLES),
                worst,
                below=0.001,
            ),
            judged(
                f"lr = {OSCILLATES} is above 2 / sharpness of the solution that GD finds with smaller steps",
                f"{OSCILLATES} x median sharpness at lr = {SETTLES} / 2 > 1",
                self.arm(size, evidence, ABOVE, lr=SETTLES),
                lambda pieces: OSCILLATES * pieces[0].median("sharpness") / 2,
                above=1,
            ),
            judged(
                "There it neither fits nor diverges",
                f"median training loss at lr = {OSCILLATES} > 0.001, and not infinite",
                self.arm(size, evidence, ABOVE, lr=OSCILLATES),
                lambda pieces: pieces[0].median("train_loss"),
                above=0.001,
            ),
            judged(
                f"Far above it diverges (lr = {DIVERGES:g})",
                f"share of seeds that diverge at lr = {DIVERGES:g} > 0.5",
                self.arm(size, evidence, ABOVE, lr=DIVERGES),
                lambda pieces: _share_diverged(pieces[0]),
                above=0.5,
            ),
        )

    def panels(self, size: Size, evidence: Sequence[Evidence]) -> tuple[Panel, ...]:
        """Distance to the flow against lr; error at the end against lr."""
        large = self.arm(size, evidence, ABOVE).found
        settled = [piece for piece in large if _lr(piece) == SETTLES]
        bound = (
            [Mark(label="2 / sharpness at the solution", at=2 / settled[0].median("sharpness"))]
            if settled
            else []
        )
        small = quartiles(
            "distance at time 10", self.arm(size, evidence, BELOW).found, _lr, "flow_distance"
        )
        proportional = (
            [small.y[-1] * lr / RATES[-1] for lr in RATES] if len(small.y) == len(RATES) else []
        )
        reference = (
            [Line(label="∝ lr", x=list(RATES), y=proportional, dashed=True)] if proportional else []
        )
        return (
            Panel(
                x="lr",
                y="max |h_j - h_j of gradient flow|",
                x_scale="log",
                lines=[small, *reference],
            ),
            Panel(
                x="lr",
                y="training loss at the end\ngaps: diverged",
                x_scale="log",
                lines=[quartiles("training loss", large, _lr, "train_loss")],
                limits=bound,
            ),
        )


def _lr(piece: Evidence) -> float:
    return (
        piece.spec.optimizer.lr
        if isinstance(piece.spec.optimizer, GradientDescent)
        else float("nan")
    )


def _share_diverged(piece: Evidence) -> float:
    return sum(run.outcome is Outcome.DIVERGED for run in piece.runs) / len(piece.runs)
