"""How much one figure can show."""

MAX_LINES = 24
"""Lines in a panel: the values of the series."""

MAX_PANELS = 12
"""Panels: the values of the facets."""

MAX_CELLS_PER_AXIS = 400
"""Values on each axis of a heat map."""

MAX_CURVES = 20_000
"""Runs whose whole curves are read."""
