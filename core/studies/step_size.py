"""The step size: how far GD is from gradient flow, and what happens above 2 / sharpness.

The theorem is about gradient flow. GD with small steps follows it at a distance proportional to the
step size. GD can settle at a solution only if lr < 2 / sharpness there. Above this bound it need
not blow up: it may oscillate for ever, and only much larger steps diverge ("not converged" and
"diverged" are different outcomes).

The statements are standard; the steps and bounds are ours.
"""

from collections.abc import Mapping, Sequence

from core.evidence import Evidence
from core.panels import Line, Mark, Panel, quartile_line
from core.result import Outcome
from core.spec import GradientDescent, SweepSpec
from core.studies.setting import (
    ERROR,
    NEAR_ZERO,
    TEACHER,
    log_log_slope,
    sweep,
    worst_error,
    zip_axis,
)
from core.studies.study import ClaimKind, Hypothesis, Size, Study, judge_hypothesis
from core.symbols import axis_label

BELOW, ABOVE = "below the bound", "around and above the bound"
RATES = (0.0005, 0.001, 0.002, 0.004, 0.008)
LARGE_RATES = (0.02, 0.04, 0.05, 0.06, 0.08, 0.3, 1.0)
SETTLES, OSCILLATES, DIVERGES = 0.04, 0.06, 1.0
TIME = 10.0
"""Training time, lr x steps, at which GD is compared with the flow: in the middle of training,
where they differ most."""

LENGTH = 6


class StepSizeStudy(Study):
    """The study that this module describes."""

    name = "step-size"
    headline = "Step size: where descent leaves the flow"
    title = "The step size: distance to gradient flow, and the bound 2 / sharpness"
    question = "How small must the steps be for GD to do what gradient flow does?"

    def sweeps(self, size: Size) -> Mapping[str, SweepSpec]:
        """Small steps up to one training time, compared with the flow; and large steps."""
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
                zip_axis(
                    [{"optimizer.lr": lr, "optimizer.steps": round(TIME / lr)} for lr in RATES]
                ),
            ),
            ABOVE: sweep(
                {**base, "optimizer": {"steps": 200_000 if size == "full" else 30_000}},
                {"path": "optimizer.lr", "values": LARGE_RATES},
            ),
        }

    def judge(self, size: Size, evidence: Sequence[Evidence]) -> tuple[Hypothesis, ...]:
        """Judges the hypotheses that follow from the module's text."""
        return (
            judge_hypothesis(
                "The distance to gradient flow is proportional to the step size",
                "|exponent of median flow distance in lr, - 1| < 0.2",
                self.arm(size, evidence, BELOW),
                lambda experiments: abs(
                    log_log_slope(
                        RATES, [experiment.median("flow_distance") for experiment in experiments]
                    )
                    - 1
                ),
                kind=ClaimKind.TRAINING,
                below=0.2,
            ),
            judge_hypothesis(
                f"Below 2 / sharpness, GD settles and extrapolates (lr = {SETTLES})",
                f"{ERROR} at lr = {SETTLES}, < 0.001",
                self.arm(size, evidence, ABOVE, lr=SETTLES),
                worst_error,
                kind=ClaimKind.EXTRAPOLATES,
                below=0.001,
            ),
            judge_hypothesis(
                f"lr = {OSCILLATES} is above 2 / sharpness of the solution that smaller steps find",
                f"{OSCILLATES} / 2 x median sharpness at lr = {SETTLES}, > 1",
                self.arm(size, evidence, ABOVE, lr=SETTLES),
                lambda experiments: OSCILLATES * experiments[0].median("sharpness") / 2,
                kind=ClaimKind.TRAINING,
                above=1,
            ),
            judge_hypothesis(
                "So GD can't settle there, and does not diverge either: its loss stays finite and "
                "far above that of smaller steps",
                f"median training loss at lr = {OSCILLATES} over that at {SETTLES} > 1e6, finite",
                self.arm(size, evidence, ABOVE, lr=[OSCILLATES])
                + self.arm(size, evidence, ABOVE, lr=[SETTLES]),
                lambda experiments: (
                    experiments[0].median("train_loss") / abs(experiments[1].median("train_loss"))
                ),
                kind=ClaimKind.CONTRAST,
                above=1e6,
                of_all_seeds=True,
            ),
            judge_hypothesis(
                "It stays at the edge of stability: the sharpness there is near 2 / lr",
                f"|{OSCILLATES} / 2 x median sharpness at lr = {OSCILLATES}, - 1| < 0.2",
                self.arm(size, evidence, ABOVE, lr=OSCILLATES),
                lambda experiments: abs(OSCILLATES * experiments[0].median("sharpness") / 2 - 1),
                kind=ClaimKind.TRAINING,
                below=0.2,
            ),
            judge_hypothesis(
                f"Far above it diverges (lr = {DIVERGES:g})",
                f"share of seeds that diverge at lr = {DIVERGES:g}, > 0.5",
                self.arm(size, evidence, ABOVE, lr=DIVERGES),
                lambda experiments: _share_diverged(experiments[0]),
                kind=ClaimKind.TRAINING,
                above=0.5,
            ),
        )

    def panels(self, size: Size, evidence: Sequence[Evidence]) -> tuple[Panel, ...]:
        """The distance to the flow and the final training loss, against lr."""
        large_steps = self.arm(size, evidence, ABOVE).experiments
        settled = [experiment for experiment in large_steps if _lr(experiment) == SETTLES]
        bound = (
            [Mark(label="2 / sharpness at the solution", at=2 / settled[0].median("sharpness"))]
            if settled
            else []
        )
        distance = quartile_line(
            "distance at time 10",
            self.arm(size, evidence, BELOW).experiments,
            _lr,
            "flow_distance",
            series="student",
        )
        proportional = (
            [distance.y[-1] * lr / RATES[-1] for lr in RATES]
            if len(distance.y) == len(RATES)
            else []
        )
        reference = (
            [Line(label="∝ η", x=list(RATES), y=proportional, dashed=True)] if proportional else []
        )
        return (
            Panel(
                x=axis_label("optimizer.lr"),
                y="max |h_j - h_j of gradient flow|",
                x_scale="log",
                lines=[distance, *reference],
            ),
            Panel(
                x=axis_label("optimizer.lr"),
                y=f"{axis_label('train_loss')} at the end",
                x_scale="log",
                lines=[
                    quartile_line("training loss", large_steps, _lr, "train_loss", series="student")
                ],
                limits=bound,
            ),
        )


def _lr(experiment: Evidence) -> float:
    return (
        experiment.spec.optimizer.lr
        if isinstance(experiment.spec.optimizer, GradientDescent)
        else float("nan")
    )


def _share_diverged(experiment: Evidence) -> float:
    return sum(run.outcome is Outcome.DIVERGED for run in experiment.runs) / len(experiment.runs)
