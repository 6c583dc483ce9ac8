"""What figures of many experiments say in words: their metric, their statistic, their caption."""

from types import MappingProxyType
from typing import Any

from core.figures.coordinates import label
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
"""What there is by lag and by rank."""

_STATISTICS = {"q1": "lower quartile", "q3": "upper quartile", "min": "minimum", "max": "maximum"}
_BANDS = {
    "quartiles": "and quartiles",
    "range": "and range",
    "standard_error": "± its standard error",
    "none": "",
}


def metric(name: str) -> str:
    """What a metric or a curve is, with its symbol."""
    return CURVES.get(name) or METRICS[name]


def over(recipe: Recipe) -> str:
    """The statistic and its band."""
    middle = _STATISTICS.get(recipe.statistic, recipe.statistic)
    band = _BANDS[recipe.band] if recipe.kind == "lines" else ""
    return " ".join(part for part in (middle, band, "over seeds") if part)


def title(recipe: Recipe) -> str:
    """What a figure is called that has no name."""
    return recipe.name or f"{metric(recipe.quantity)} against {label(recipe.x)}"


def caption(recipe: Recipe, *, called: str, experiments: int, runs: int, imported: int) -> str:
    """The caption of a figure called so, of so many completed experiments, imported ones among them, and runs."""
    begin = f"{called}. " if called != title(recipe) or recipe.name else ""
    parts = [f"{begin}{metric(recipe.quantity)}, {over(recipe)}, against {label(recipe.x)}"]
    if recipe.series:
        parts.append(
            f"{'a line' if recipe.kind == 'lines' else 'a row'} for each {label(recipe.series)}"
        )
    if recipe.facets:
        parts.append(f"a panel for each {label(recipe.facets)}")
    elsewhere = f", {imported} of them imported," if imported else ""
    found = f"Of {experiments} completed experiments{elsewhere} with {runs} runs"
    return f"{', '.join(parts)}. {found}{f': {recipe.query}' if recipe.query else ''}."


def heading(
    recipe: Recipe, *, called: str, source: str, hashes: list[str], runs: int, imported: int = 0
) -> dict[str, Any]:
    """What every figure says of itself; ``hashes`` are those of the specs."""
    return {
        "title": called,
        "source": source,
        "caption": caption(
            recipe, called=called, experiments=len(hashes), runs=runs, imported=imported
        ),
        "spec_hashes": sorted(set(hashes)),
    }
