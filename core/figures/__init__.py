"""Figures: data, then ink. ``info`` is a pure function to numbers, the figure's JSON; ``draw`` inks them.

Importing this package loads matplotlib, but neither pyplot nor torch.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from matplotlib.figure import Figure as Ink

from core.figures import response, spectrum, study, training
from core.figures.info import Info
from core.figures.style import Format, render

__all__ = ["FIGURES", "STUDY_FIGURES", "Figure", "Format", "Info", "render"]


@dataclass(frozen=True)
class Figure:
    """One kind of figure.

    Attributes:
        info: The numbers. For one experiment of (spec, result, series); for a study of (title, panels, evidence).
        draw: The numbers inked.
    """

    info: Callable[..., Info]
    draw: Callable[[Any], Ink]


FIGURES: Mapping[str, Figure] = MappingProxyType(
    {module.__name__.rpartition(".")[2]: Figure(module.info, module.draw) for module in (response, training, spectrum)}
)
"""Figures of one experiment, by name."""

STUDY_FIGURES: Mapping[str, Figure] = MappingProxyType({"extrapolation": Figure(study.info, study.draw)})
"""The figure of a study, by name."""
