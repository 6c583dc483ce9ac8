"""Figures of many experiments that are hard to draw: extreme numbers, counts and names."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from core import teachers
from core.evidence import Evidence, RunEvidence
from core.figures import RECIPE_FIGURES, SWEEP_FIGURES
from core.figures.info import Info
from core.figures.recipes import cells as of_cells
from core.figures.recipes import curves as of_curves
from core.figures.recipes import wording
from core.figures.recipes.cells import Cell
from core.figures.recipes.curves import Curve
from core.recipe import Recipe
from core.result import METRICS, BaselineResult, Outcome
from core.spec import ExperimentSpec, RecurrentTeacher
from core.studies.study import Size, Study
from core.systems import impulse_response
from tests.figures.experiments import NAMES

HASH = "0" * 64
LENGTHS = (2, 3, 4, 5, 6, 8, 10, 14)
DIVERGED, FITTED, UNFITTED = "diverged", "fitted", "step_budget_spent"

MAX_LINES, MAX_PANELS = 24, 12
"""As many as the service allows (:mod:`service.figures.limits`)."""

Number = Callable[[float, int], float]
"""The number at a place on the first axis, of a series or a seed."""


def heading(recipe: Recipe, outcomes: Sequence[str]) -> dict[str, Any]:
    """The heading that the service gives to a figure of a recipe."""
    source = f"Extrapolab, fig_0123456789, 12 experiments, {len(outcomes)} runs"
    return wording.heading(recipe, source=source, hashes=[HASH] * 12, outcomes=outcomes)


def _of_cells(recipe: Recipe, cells: Sequence[Cell]) -> dict[str, Any]:
    return heading(recipe, [outcome for cell in cells for outcome in cell.outcomes])


def places(
    number: Number,
    *,
    xs: Sequence[Any] = LENGTHS,
    series: Sequence[Any] = (None,),
    facets: Sequence[Any] = (None,),
    outcome: str = FITTED,
    seeds: int = 3,
) -> list[Cell]:
    """An experiment at every place."""
    return [
        Cell(
            x,
            one,
            "completed",
            tuple(number(n + 1, i + 1) * (1 + 0.2 * seed) for seed in range(seeds)),
            facet,
            (DIVERGED if number(n + 1, i + 1) == math.inf else outcome,) * seeds,
        )
        for facet in facets
        for i, one in enumerate(series)
        for n, x in enumerate(xs)
    ]


def lines(cells: Sequence[Cell], recipe: Recipe) -> Info:
    """The figure of lines of a final metric."""
    return RECIPE_FIGURES["lines"].data(_of_cells(recipe, cells), of_cells.panels(cells, recipe))


def grids(cells: Sequence[Cell], recipe: Recipe) -> Info:
    """The heat map of a final metric."""
    return RECIPE_FIGURES["heatmap"].data(_of_cells(recipe, cells), cells, recipe)


def along(curves: Sequence[Curve], recipe: Recipe) -> Info:
    """The figure of whole curves."""
    outcomes = [curve.outcome for curve in curves]
    shown = of_curves.panels(curves, recipe)
    return RECIPE_FIGURES["lines"].data(heading(recipe, outcomes), shown)


def falls(x: float, i: int) -> float:
    """An error that falls over many orders of magnitude."""
    return 10.0 ** (-1.3 * x) * i


def some_diverge(x: float, i: int) -> float:
    """An error that is infinite at every other place."""
    return math.inf if x % 2 else falls(x, i)


K = "training.length"
PLAIN = Recipe(x=K)
BY_DIM = Recipe(x=K, series="student.dim")
BY_NAME = Recipe(x=K, series="name")
FACETS = Recipe(x=K, series="student.dim", facets="student.start.scale")

LINES: Mapping[str, Callable[[], Info]] = {
    "ordinary": lambda: lines(places(falls, series=(10, 20)), BY_DIM),
    "one point": lambda: lines(places(falls, xs=(4,)), PLAIN),
    "constant line": lambda: lines(places(lambda x, i: 1.0, seeds=1), PLAIN),
    "a line of 0": lambda: lines(places(lambda x, i: 0.0), PLAIN),
    "negative numbers": lambda: lines(places(lambda x, i: -x), PLAIN),
    "all diverged": lambda: lines(places(lambda x, i: math.inf), PLAIN),
    "some diverged": lambda: lines(
        [
            *places(falls, xs=(2, 3, 4), series=(10, 20)),
            *places(lambda x, i: math.inf, xs=(5, 6), series=(10, 20)),
        ],
        BY_DIM,
    ),
    "24 lines diverged": lambda: lines(
        [
            *places(falls, xs=(2, 3, 4), series=range(MAX_LINES)),
            *places(lambda x, i: math.inf, xs=(5,), series=range(MAX_LINES)),
        ],
        BY_DIM,
    ),
    "none fitted": lambda: lines(places(falls, series=(10, 20), outcome=UNFITTED), BY_DIM),
    "NaN": lambda: lines(places(lambda x, i: math.nan), PLAIN),
    "errors of 1e-300 and 1e+300": lambda: lines(
        places(lambda x, i: 1e-300 if x < 3 else 1e300 if x > 6 else 1.0), PLAIN
    ),
    "close to 1": lambda: lines(places(lambda x, i: 1 + 1e-9 * x, seeds=1), PLAIN),
    "scales over 300 decades": lambda: lines(
        places(falls, xs=(1e-300, 1e-5, 1.0)), Recipe(x="student.start.scale")
    ),
    "large x": lambda: lines(places(falls, xs=(0, 2**40, 2**62)), Recipe(x="teacher.seed")),
    "24 lines": lambda: lines(places(falls, series=range(MAX_LINES)), BY_DIM),
    "12 panels": lambda: lines(
        places(falls, series=(10, 20), facets=[10.0**-n for n in range(MAX_PANELS)]), FACETS
    ),
    "12 panels of 24 lines": lambda: lines(
        places(falls, series=range(MAX_LINES), facets=[10.0**-n for n in range(MAX_PANELS)]), FACETS
    ),
    "3 panels": lambda: lines(places(falls, facets=("a", "b", "c")), Recipe(x=K, facets="name")),
    "24 long names": lambda: lines(
        places(falls, series=[f"{n}: {'long name ' * 18}" for n in range(MAX_LINES)]), BY_NAME
    ),
    "panels with long names": lambda: lines(
        places(falls, facets=[f"{n}: {'long name ' * 18}" for n in range(4)]),
        Recipe(x=K, facets="name"),
    ),
    "hard names": lambda: lines(places(falls, series=[*NAMES.values()]), BY_NAME),
    "panels with hard names": lambda: lines(
        places(falls, series=(1, 2), facets=[*NAMES.values()]),
        Recipe(x=K, series="student.dim", facets="name"),
    ),
    "objects as series": lambda: lines(
        places(falls, series=[{"kind": "gaussian", "scale": 0.1}, None, True, [1, 2]]),
        Recipe(x=K, series="student.start"),
    ),
    "long metric": lambda: lines(places(falls), Recipe(x=K, y="extrapolation_horizon")),
    **{
        f"name: {kind}": lambda name=name: lines(places(falls), Recipe(x=K, name=name))
        for kind, name in NAMES.items()
    },
}
"""Lines of a final metric, by name."""

MAP = Recipe(kind="heatmap", x=K, series="student.start.scale")
SCALES = (0.001, 0.00225, 0.005, 0.01, 0.1, 1.0)
STATES = ("completed", "queued", "running", "failed", "cancelled", "paused")


def _of_states() -> Iterator[Cell]:
    for cell in places(some_diverge, series=SCALES):
        state = STATES[(LENGTHS.index(cell.x) + SCALES.index(cell.series)) % len(STATES)]
        yield cell if state == "completed" else Cell(cell.x, cell.series, state)


HEATMAPS: Mapping[str, Callable[[], Info]] = {
    "ordinary": lambda: grids(places(falls, series=SCALES), MAP),
    "one cell": lambda: grids(places(falls, xs=(4,), series=(0.1,)), MAP),
    "one row": lambda: grids(places(falls, series=(0.1,)), MAP),
    "one column": lambda: grids(places(falls, xs=(4,), series=SCALES), MAP),
    "constant": lambda: grids(places(lambda x, i: 1.0, series=SCALES), MAP),
    "all 0": lambda: grids(places(lambda x, i: 0.0, series=SCALES), MAP),
    "all diverged": lambda: grids(places(lambda x, i: math.inf, series=SCALES), MAP),
    "every state, some diverged": lambda: grids([*_of_states()], MAP),
    "nothing completed": lambda: grids(
        [Cell(x, scale, "queued") for x in LENGTHS for scale in SCALES], MAP
    ),
    "none fitted": lambda: grids(places(falls, series=SCALES, outcome=UNFITTED), MAP),
    "NaN": lambda: grids(places(lambda x, i: math.nan, series=SCALES), MAP),
    "errors of 1e-300 and 1e+300": lambda: grids(
        places(lambda x, i: 10.0 ** (60 * i - 300 + x), series=range(10)), MAP
    ),
    "30 x 40": lambda: grids(
        places(falls, xs=range(2, 42), series=[1.07**-n for n in range(30)]), MAP
    ),
    "100 x 400": lambda: grids(
        places(falls, xs=range(2, 402), series=range(100), seeds=1),
        Recipe(kind="heatmap", x=K, series="student.dim"),
    ),
    "uneven numbers": lambda: grids(
        places(falls, xs=(1, 2, 3, 100, 1000), series=(0.001, 0.0011, 0.5, 0.9)), MAP
    ),
    "hard names": lambda: grids(
        places(falls, xs=[*NAMES.values()], series=[*NAMES.values()]),
        Recipe(kind="heatmap", x="name", series="name"),
    ),
    "12 maps": lambda: grids(
        places(falls, series=SCALES, facets=[10.0**-n for n in range(MAX_PANELS)]),
        Recipe(kind="heatmap", x=K, series="student.start.scale", facets="optimizer.lr"),
    ),
    "maps of hard names": lambda: grids(
        places(falls, series=SCALES, facets=[*NAMES.values()]),
        Recipe(kind="heatmap", x=K, series="student.start.scale", facets="name"),
    ),
    "name: 200 characters": lambda: grids(
        places(falls, series=SCALES), MAP.model_copy(update={"name": NAMES["200 characters"]})
    ),
    "name: Hebrew": lambda: grids(
        places(falls, series=SCALES), MAP.model_copy(update={"name": NAMES["Hebrew"]})
    ),
}
"""Heat maps, by name."""


def curve(
    y: Callable[[np.ndarray], np.ndarray],
    *,
    series: Any = None,
    facet: Any = None,
    points: int = 20,
    length: int = 5,
    reference: bool = True,
    outcome: str = FITTED,
) -> Curve:
    """A curve by lag, beside that of a teacher."""
    x = np.arange(points, dtype=float)
    teacher = np.abs(0.7 * 0.9**x + 0.5 * (-0.5) ** x) if reference else np.empty(0)
    return Curve(series, facet, length, x, y(x), teacher, outcome)


LAG = Recipe(x="lag", series="student.dim")

CURVES: Mapping[str, Callable[[], Info]] = {
    "ordinary": lambda: along([curve(lambda x: 0.8**x, series=n) for n in (10, 20)], LAG),
    "one point": lambda: along([curve(lambda x: x + 1, points=1)], Recipe(x="lag")),
    "responses": lambda: along(
        [curve(lambda x: 1e9 * np.cos(x), series=n) for n in (10, 20)],
        Recipe(x="lag", y="response", series="student.dim"),
    ),
    "all diverged": lambda: along(
        [curve(lambda x: np.full(len(x), np.inf), outcome=DIVERGED)], Recipe(x="lag")
    ),
    "constant": lambda: along(
        [curve(np.ones_like, reference=False) for _ in range(3)], Recipe(x="step")
    ),
    "steps from 0": lambda: along(
        [curve(lambda x: 10.0**-x, reference=False, points=300)], Recipe(x="step")
    ),
    "24 lines of 24 lengths": lambda: along(
        [curve(lambda x, n=n: 0.9**x / (n + 1), series=n, length=n + 1) for n in range(MAX_LINES)],
        LAG,
    ),
    "24 names": lambda: along(
        [
            curve(lambda x, n=n: 0.9**x / (n + 1), series=f"run {n:c}", points=60)
            for n in range(65, 65 + MAX_LINES)
        ],
        Recipe(x="lag", series="name"),
    ),
    "200 runs": lambda: along(
        [curve(lambda x, n=n: 0.9**x / (n + 1), series=n % 2) for n in range(200)], LAG
    ),
    "4 lengths": lambda: along(
        [curve(lambda x: 0.9**x, series=n, length=n + 2) for n in range(4)], LAG
    ),
    "ranks": lambda: along(
        [curve(lambda x: 10.0 ** (-2 * x), series=n) for n in (10, 20)],
        Recipe(x="rank", y="hankel_singular_values", series="student.dim"),
    ),
    "12 panels": lambda: along(
        [curve(lambda x: 0.9**x, series=n % 2, facet=n) for n in range(MAX_PANELS)],
        Recipe(x="lag", series="student.dim", facets="teacher.dim"),
    ),
}
"""Curves of runs, by name."""


def sweeps(cells: Sequence[Cell], recipe: Recipe, **changes: Any) -> Info:
    """The figure of a sweep."""
    return SWEEP_FIGURES[recipe.kind].data(_of_cells(recipe, cells) | changes, cells, recipe)


SWEEP_LINES: Mapping[str, Callable[[], Info]] = {
    "ordinary": lambda: sweeps(places(falls, series=(10, 20)), BY_DIM),
    "name of 200 characters": lambda: sweeps(places(falls), PLAIN, title=NAMES["200 characters"]),
}
SWEEP_HEATMAPS: Mapping[str, Callable[[], Info]] = {
    "ordinary": lambda: sweeps(places(falls, series=SCALES), MAP),
    "every state, some diverged": lambda: sweeps([*_of_states()], MAP),
}
"""Figures of sweeps, by name."""


def evidence(study: Study, size: Size, outcome: Outcome) -> list[Evidence]:
    """Made-up results of every experiment of a study; each seed ended in this way."""
    generator = np.random.default_rng(0)
    return [_evidence(spec, outcome, generator) for spec in study.experiments(size)]


def _evidence(spec: ExperimentSpec, outcome: Outcome, generator: np.random.Generator) -> Evidence:
    response = None
    if not isinstance(spec.teacher, RecurrentTeacher):
        response = impulse_response(teachers.build(spec.teacher), spec.horizon)
    runs = [
        RunEvidence(
            seed,
            outcome,
            spec.optimizer.steps,
            {name: 10 ** generator.uniform(-9, 0) for name in METRICS},
            None if response is None else response + generator.normal(0, 0.1, response.shape),
        )
        for seed in spec.seeds
    ]
    baselines = [
        BaselineResult(
            name=name,
            order=2,
            response=[0.0] * spec.horizon,
            eigenvalues=[],
            summary={name: 10 ** generator.uniform(-9, 0) for name in METRICS},
            note="",
        )
        for name in spec.evaluation.baselines
    ]
    return Evidence(spec, "exp_1", tuple(runs), tuple(baselines), response)
