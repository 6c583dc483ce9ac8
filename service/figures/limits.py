"""Limits on the content of one figure."""

MAX_LINES = 24
"""Most lines in a panel: values of the series."""

MAX_PANELS = 12
"""Most panels: values of the facets."""

MAX_CELLS_PER_AXIS = 400
"""Most values on each axis of a heat map."""

MAX_POINTS = 10_000
"""Most points of a figure with a point for each run."""

MAX_CURVES = 20_000
"""Most runs whose whole curves are read."""
