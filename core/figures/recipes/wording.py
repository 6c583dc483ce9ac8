"""Words of figures of many experiments: metrics, statistics and captions."""

from collections.abc import Collection, Sequence
from types import MappingProxyType
from typing import Any

from core.figures.info import how_divergence_counts, how_many_fit
from core.labels import capitalised, how_many
from core.recipe import Recipe
from core.result import METRICS, TEACHER_METRICS
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

ALONG_TRAINING = ("step", "time")
"""The axes along which curves are recorded while a run trains."""

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


def over(setups: Collection[int]) -> str:
    """The words for what statistics are taken over, given the setups pooled at each place.

    Example:
        >>> over([1, 1]), over([3, 3]), over([1, 3])
        ('seeds', 'seeds and 3 setups', 'seeds and up to 3 setups')
    """
    most = max(setups, default=1)
    if most <= 1:
        return "seeds"
    return f"seeds and {most} setups" if min(setups) == most else f"seeds and up to {most} setups"


def statistic_label(recipe: Recipe, pooled: str) -> str:
    """The statistic and its band, such as ``median and quartiles over seeds``.

    Args:
        recipe: The recipe.
        pooled: What it is taken over, as :func:`over` says it.
    """
    if recipe.shows_points:
        return "each run at its end"
    statistic = _STATISTICS.get(recipe.statistic, recipe.statistic)
    band = _BANDS[recipe.band] if recipe.kind == "lines" else ""
    return " ".join(part for part in (statistic, band, f"over {pooled}") if part)


def generated_title(recipe: Recipe, channel: str = "") -> str:
    """The title of a recipe without a name: what against what, and in which channel."""
    name = CURVES.get(recipe.quantity) or quantity(recipe.quantity).named
    return capitalised(f"{name} against {quantity(recipe.x).named}{channel}")


def caption(
    recipe: Recipe,
    *,
    title: str,
    experiments: int,
    outcomes: Sequence[str],
    pooled: str = "seeds",
    channel: str = "",
    imported: int = 0,
    left_out: str = "",
    note: str = "",
) -> str:
    """The caption of a figure.

    Args:
        recipe: The recipe.
        title: The figure's title.
        experiments: Number of completed experiments that it shows.
        outcomes: The outcomes of their runs.
        pooled: What statistics are taken over, as :func:`over` says it.
        channel: The channel that curves by lag show, to follow other words; "" if there is one.
        imported: Number of imported experiments among them.
        left_out: The runs that it can't show, as :func:`left_out` says it.
        note: A further sentence.
    """
    opening = "" if title == generated_title(recipe, channel) else f"{title}. "
    meaning = CURVES.get(recipe.quantity) or METRICS[recipe.quantity]
    against = quantity(recipe.x).named
    label = statistic_label(recipe, pooled)
    parts = [f"{capitalised(meaning)}{channel}, {label}, against {against}"]
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
    fit, counted = how_many_fit(outcomes, "run"), _how_divergence_counts(recipe, outcomes)
    missing = f"Left out: {left_out}." if left_out else ""
    sentences = [f"{opening}{', '.join(parts)}.", f"{counts}{query}.", fit, counted, missing, note]
    return " ".join(filter(None, sentences))


def _how_divergence_counts(recipe: Recipe, outcomes: Sequence[str]) -> str:
    if recipe.shows_points or recipe.quantity in TEACHER_METRICS:
        return ""
    return how_divergence_counts(outcomes, along_training=recipe.x in ALONG_TRAINING)


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
    source: str,
    hashes: list[str],
    outcomes: Sequence[str],
    title: str = "",
    channel: str = "",
    **words: Any,
) -> dict[str, Any]:
    """The common data of a figure of a recipe.

    Args:
        recipe: The recipe.
        source: Where its numbers come from.
        hashes: The spec hashes of its experiments.
        outcomes: The outcomes of their runs.
        title: The figure's title; by default the recipe's name, else a generated one.
        channel: The channel that curves by lag show, as in :func:`caption`.
        words: Further arguments of :func:`caption`.
    """
    title = title or recipe.name or generated_title(recipe, channel)
    return {
        "title": title,
        "source": source,
        "caption": caption(
            recipe,
            title=title,
            experiments=len(hashes),
            outcomes=outcomes,
            channel=channel,
            **words,
        ),
        "spec_hashes": sorted(set(hashes)),
    }
