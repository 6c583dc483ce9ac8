"""The limits of axes that a look asks for."""

from collections.abc import Sequence

from matplotlib.axes import Axes

from core.figures.info import NotDrawable
from core.look import Look


def set_limits(all_axes: Sequence[Axes], look: Look) -> None:
    """Sets the look's limits on all axes.

    Raises:
        NotDrawable: An axis is logarithmic and the lower limit isn't positive, or nothing lies
            between the limits.
    """
    for name, limits in (("x", look.xlim), ("y", look.ylim)):
        if limits is None:
            continue
        low, high = limits
        given = f"{name}lim={low:g},{high:g}"
        scales = {axes.get_xscale() if name == "x" else axes.get_yscale() for axes in all_axes}
        if "log" in scales and low <= 0:
            raise NotDrawable(f"{given} should start above 0, as the {name}-axis is logarithmic")
        extents = [
            axes.dataLim.intervalx if name == "x" else axes.dataLim.intervaly for axes in all_axes
        ]
        known = [(first, last) for first, last in extents if first <= last]
        if known and not any(first <= high and low <= last for first, last in known):
            first, last = min(first for first, _ in known), max(last for _, last in known)
            raise NotDrawable(f"{given} shows nothing: the data lie from {first:.3g} to {last:.3g}")
        for axes in all_axes:
            axes.set_adjustable("box")  # axes of equal units change their shape, not the limits
            if name == "x":
                axes.set_xlim(low, high)
            else:
                axes.set_ylim(low, high)
