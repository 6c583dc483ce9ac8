"""Words of figures of many experiments: metrics, statistics and captions."""

from collections.abc import Sequence
from types import MappingProxyType
from typing import Any

from core.figures.info import how_many_fit
from core.labels import capitalised, how_many
from core.recipe import Recipe
from core.result import METRICS
from core.symbols import axis_label, quantity

CURVES = MappingProxyType(
    {
        "error": "|h_j - ĥ_j|",
        "response": "h_j",
        "hankel_singular_values": "Hankel singular value",
        "eigenvalues": "|λ_i| of A",
    }
)
"""Labels of the curves by lag and by rank."""

_STATISTICS = {"q1": "lower quartile", "q3": "upper quartile", "min": "minimum", "max": "maximum"}
_BANDS = {
    "quartiles": "and quartiles",
    "range": "and range",
    "standard_error": "± its standard error",
    "none": "",
}


def quantity_label(name: str) -> str:
    """The label of the axis of a metric or a curve."""
    return CURVES.get(name) or axis_label(name)


def statistic_label(recipe: Recipe) -> str:
    """The statistic and its band, such as ``median and quartiles over seeds``."""
    if recipe.shows_points:
        return "each run at its end"
    statistic = _STATISTICS.get(recipe.statistic, recipe.statistic)
    band = _BANDS[recipe.band] if recipe.kind == "lines" else ""
    return " ".join(part for part in (statistic, band, "over seeds") if part)


def title(recipe: Recipe) -> str:
    """The recipe's name, or a generated title."""
    return recipe.name or generated_title(recipe)


def generated_title(recipe: Recipe) -> str:
    """The title of a recipe without a name: what against what."""
    name = CURVES.get(recipe.quantity) or quantity(recipe.quantity).named
    return capitalised(f"{name} against {quantity(recipe.x).named}")


def caption(
    recipe: Recipe,
    *,
    title: str,
    experiments: int,
    outcomes: Sequence[str],
    imported: int,
    left_out: str = "",
    note: str = "",
) -> str:
    """The caption of a figure.

    Args:
        recipe: The recipe.
        title: The figure's title.
        experiments: Number of completed experiments that it shows.
        outcomes: The outcomes of their runs.
        imported: Number of imported experiments among them.
        left_out: The runs that it can't show, as :func:`left_out` says it.
        note: A further sentence.
    """
    opening = "" if title == generated_title(recipe) else f"{title}. "
    meaning = CURVES.get(recipe.quantity) or METRICS[recipe.quantity]
    against = quantity(recipe.x).named
    parts = [f"{capitalised(meaning)}, {statistic_label(recipe)}, against {against}"]
    chosen = [f"{name} {n}" for name in ("output", "input") if (n := getattr(recipe, name))]
    parts += [" and ".join(chosen)] if chosen else []
    if recipe.series:
        item = "a line" if recipe.kind == "lines" else "a row"
        item = "a colour" if recipe.shows_points else item
        parts.append(f"{item} for each {quantity(recipe.series).named}")
    if recipe.facets:
        parts.append(f"a panel for each {quantity(recipe.facets).named}")
    of_these = f", {imported} of them imported," if imported else ""
    counts = (
        f"From {how_many(experiments, 'completed experiment')}{of_these} with "
        f"{how_many(len(outcomes), 'run')}"
    )
    query = f": {recipe.query}" if recipe.query else ""
    fit = how_many_fit(outcomes, "run")
    missing = f"Left out: {left_out}." if left_out else ""
    sentences = [f"{opening}{', '.join(parts)}.", f"{counts}{query}.", fit, missing, note]
    return " ".join(filter(None, sentences))


def left_out(
    *,
    diverged: int = 0,
    undefined: int = 0,
    timeless: int = 0,
    without_baseline: int = 0,
    imported: int = 0,
) -> str:
    """The runs that a figure can't show, such as ``2 runs that diverged``; "" if there are none."""
    reasons = {
        "that diverged": diverged,
        "with an undefined value": undefined,
        "without a training time": timeless,
        "without a baseline, as the teacher's response is 0 past k": without_baseline,
        "imported without these numbers": imported,
    }
    return " and ".join(
        f"{how_many(count, 'run')} {reason}" for reason, count in reasons.items() if count
    )


def heading(
    recipe: Recipe,
    *,
    title: str,
    source: str,
    hashes: list[str],
    outcomes: Sequence[str],
    imported: int = 0,
    left_out: str = "",
    note: str = "",
) -> dict[str, Any]:
    """The common data of a figure of a recipe.

    Args:
        recipe: The recipe.
        title: The figure's title.
        source: Where its numbers come from.
        hashes: The spec hashes of its experiments.
        outcomes: The outcomes of their runs.
        imported: Number of imported experiments among them.
        left_out: The runs that it can't show, as :func:`left_out` says it.
        note: A further sentence of the caption.
    """
    return {
        "title": title,
        "source": source,
        "caption": caption(
            recipe,
            title=title,
            experiments=len(hashes),
            outcomes=outcomes,
            imported=imported,
            left_out=left_out,
            note=note,
        ),
        "spec_hashes": sorted(set(hashes)),
    }
