"""Words of figures of many experiments: metrics, statistics and captions."""

from types import MappingProxyType
from typing import Any

from core.figures.recipes.coordinates import axis_label
from core.recipe import Recipe
from core.result import METRICS

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
    """A metric or a curve in words, with its symbol."""
    return CURVES.get(name) or METRICS[name]


def statistic_label(recipe: Recipe) -> str:
    """The statistic and its band, such as ``median and quartiles over seeds``."""
    statistic = _STATISTICS.get(recipe.statistic, recipe.statistic)
    band = _BANDS[recipe.band] if recipe.kind == "lines" else ""
    return " ".join(part for part in (statistic, band, "over seeds") if part)


def title(recipe: Recipe) -> str:
    """The recipe's name, or a generated title."""
    return recipe.name or f"{quantity_label(recipe.quantity)} against {axis_label(recipe.x)}"


def caption(recipe: Recipe, *, title: str, experiments: int, runs: int, imported: int) -> str:
    """The caption of a figure.

    Args:
        recipe: The recipe.
        title: The figure's title.
        experiments: Number of completed experiments that it shows.
        runs: Number of their runs.
        imported: Number of imported experiments among them.
    """
    generated = f"{quantity_label(recipe.quantity)} against {axis_label(recipe.x)}"
    opening = "" if title == generated and not recipe.name else f"{title}. "
    parts = [
        f"{opening}{quantity_label(recipe.quantity)}, {statistic_label(recipe)}, "
        f"against {axis_label(recipe.x)}"
    ]
    if recipe.series:
        item = "a line" if recipe.kind == "lines" else "a row"
        parts.append(f"{item} for each {axis_label(recipe.series)}")
    if recipe.facets:
        parts.append(f"a panel for each {axis_label(recipe.facets)}")
    of_these = f", {imported} of them imported," if imported else ""
    counts = f"From {experiments} completed experiments{of_these} with {runs} runs"
    query = f": {recipe.query}" if recipe.query else ""
    return f"{', '.join(parts)}. {counts}{query}."


def heading(
    recipe: Recipe, *, title: str, source: str, hashes: list[str], runs: int, imported: int = 0
) -> dict[str, Any]:
    """The common data of a figure of a recipe; ``hashes`` are spec hashes of its experiments."""
    return {
        "title": title,
        "source": source,
        "caption": caption(
            recipe, title=title, experiments=len(hashes), runs=runs, imported=imported
        ),
        "spec_hashes": sorted(set(hashes)),
    }
