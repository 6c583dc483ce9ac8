"""The axis of curves of a training: recorded steps, or training time.

The steps of gradient flow are the times at which it is recorded, so they can't be compared with
the steps of an optimizer. Training time (:data:`core.result.METRICS`) can be.
"""

from collections.abc import Sequence

import numpy as np

from core.figures.info import NotDrawable, Series
from core.figures.view import TrainingAxis
from core.spec import ExperimentSpec

FLOW = "gradient_flow"


def choose(
    trainings: Sequence[tuple[ExperimentSpec, Series]], asked: TrainingAxis | None
) -> TrainingAxis:
    """The axis of a figure of these trainings, by default time if gradient flow is among them.

    Args:
        trainings: The spec and the recorded points of each.
        asked: The axis that the client asks for; None for the default.

    Raises:
        NotDrawable: By step, only some are gradient flow; or by time, some have none.
    """
    kinds = [spec.optimizer.kind for spec, _ in trainings]
    timeless = sum(not np.isfinite(series["time"]).all() for _, series in trainings)
    is_mixed = FLOW in kinds and len(set(kinds)) > 1
    if asked == "step":
        refuse_mixed_steps(kinds)
        return "step"
    if asked == "time" or is_mixed:
        if timeless:
            who = f"{timeless} of the {len(kinds)} experiments" if len(kinds) > 1 else "it"
            remedy = "leave them out" if is_mixed else "use x=step"
            raise NotDrawable(
                f"only gd and gradient_flow have a training time, and {who} recorded none: {remedy}"
            )
        return "time"
    return "time" if FLOW in kinds and not timeless else "step"


def refuse_mixed_steps(kinds: Sequence[str]) -> None:
    """Raises NotDrawable if some, but not all, of these optimizers are gradient flow."""
    flows = kinds.count(FLOW)
    if 0 < flows < len(kinds):
        raise NotDrawable(
            f"steps mean different things here: in {flows} of the {len(kinds)} experiments they "
            f"are recorded times of gradient flow, in {len(kinds) - flows} steps of an optimizer; "
            "use x=time"
        )
