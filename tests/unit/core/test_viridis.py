"""The colours of numbers that need no matplotlib: the same as its own."""

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.colors import to_hex

from core.figures.drawing.viridis import viridis


@pytest.mark.parametrize(("count", "last"), [(256, 1.0), (0, 0.9), (1, 0.9), (7, 0.9), (12, 0.85)])
def test_colours_are_those_of_matplotlib(count, last):
    expected = mpl.colormaps["viridis"](np.linspace(0.0, last, count))
    assert viridis(count, last) == [to_hex(colour) for colour in expected]
