"""Relative errors in figures of many runs: where there is no baseline, the absolute error instead.

The relative extrapolation error is undefined if the teacher's response is 0 for k <= j < q.
"""

from typing import NamedTuple

import numpy as np

from core.recipe import Recipe

RELATIVE, ABSOLUTE, BASELINE = (
    "relative_extrapolation_error",
    "extrapolation_error",
    "zero_baseline",
)

NOTE = "Absolute error, as the teacher's response is 0 past k, so that there is no baseline."
"""Said in the caption of a figure that shows the absolute error instead."""


class Choice(NamedTuple):
    """What a figure shows.

    Attributes:
        recipe: The recipe, perhaps with the absolute error as ``y``.
        has_value: (runs,), which runs it can show.
        note: What to say about it in the caption; "" for nothing.
    """

    recipe: Recipe
    has_value: np.ndarray
    note: str = ""


def metrics(recipe: Recipe) -> list[str]:
    """The metrics that :func:`choose` and the figure of a recipe need."""
    return [ABSOLUTE, RELATIVE, BASELINE] if recipe.quantity == RELATIVE else [recipe.quantity]


def choose(recipe: Recipe, baselines: np.ndarray) -> Choice:
    """Falls back to the absolute error if no run has a baseline; otherwise leaves such runs out.

    Args:
        recipe: The recipe.
        baselines: (runs,), the zero baseline of each; unused if ``y`` is not the relative error.
    """
    has_baseline = baselines != 0
    if recipe.quantity != RELATIVE or has_baseline.all():
        return Choice(recipe, np.ones(len(baselines), bool))
    if has_baseline.any():
        return Choice(recipe, has_baseline)
    changed = recipe.model_copy(update={"y": ABSOLUTE})
    return Choice(changed, np.ones(len(baselines), bool), NOTE)
