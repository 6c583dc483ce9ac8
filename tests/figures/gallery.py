"""The gallery: every kind of figure of every hard case."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache

from core.figures import (
    COMPARISON_FIGURES,
    FIGURES,
    RECIPE_FIGURES,
    STUDY_FIGURES,
    SWEEP_FIGURES,
    Figure,
    Info,
)
from core.figures.comparisons.comparison import Compared
from core.result import Outcome
from core.studies import STUDIES
from tests.figures import recipes
from tests.figures.experiments import EXPERIMENTS, NAMES, Experiment, lasting, named, spec, trained

OF_TITLES = ("training", "weighted_spectrum")
"""The figures of experiments whose names are hard: all kinds write them the same way."""

WITHOUT_A = ("response", "training", "spectrum", "trajectory")
EARLY = tuple(name for name, figure in FIGURES.items() if figure.early)


@dataclass(frozen=True)
class Exhibit:
    """One figure of the gallery.

    Attributes:
        figure: Its kind.
        info: Its data.
        diverged: Whether some of its runs diverged.
        names: What it has to say, in full or cut with an ellipsis.
    """

    figure: Figure
    info: Info
    diverged: bool = False
    names: tuple[str, ...] = ()


def _kinds(case: str) -> tuple[str, ...]:
    """The figures of one experiment that a case has."""
    if case == "imported":
        return ("training",)
    if case == "without A":
        return WITHOUT_A
    if case.startswith("name: "):
        return OF_TITLES
    return EARLY if case in {"one point", "so far"} else tuple(FIGURES)


def _of_experiment(kind: str, case: str) -> Exhibit:
    shown = _experiment(case)
    info = FIGURES[kind].data(shown.spec, shown.result, shown.series)
    names = (shown.spec.name,) if shown.spec.name else ()
    return Exhibit(FIGURES[kind], info, Outcome.DIVERGED in shown.outcomes, names)


@cache
def _experiment(case: str) -> Experiment:
    return EXPERIMENTS[case]()


COMPARISONS: Mapping[str, Callable[[], Mapping[str, Experiment]]] = {
    "two": lambda: {"student 1": _experiment("ordinary"), "student 2": _experiment("12 seeds")},
    "twelve": lambda: {f"experiment {n}": lasting(20, n) for n in range(1, 13)},
    "some diverged": lambda: {
        "fits": _experiment("ordinary"),
        "diverges": _experiment("all diverged"),
        "in part": _experiment("some diverged"),
    },
    "first diverged": lambda: {
        "diverges": _experiment("all diverged"),
        "fits": _experiment("ordinary"),
    },
    "none fitted": lambda: {
        "one": _experiment("not fitted"),
        "other": trained(spec(optimizer={"lr": 2e-4, "steps": 200})),
    },
    "teachers of 0": lambda: {
        "delay": _experiment("zero baseline of 0"),
        "nothing": _experiment("teacher of 0"),
    },
    "different channels": lambda: {
        "3 x 2": _experiment("3 outputs, 2 inputs"),
        "1 x 1": _experiment("ordinary"),
    },
    "errors of 1e+300 and 1e-300": lambda: {
        "huge": _experiment("errors of 1e+300"),
        "tiny": _experiment("errors of 1e-300"),
    },
    "NaN": lambda: {"NaN": _experiment("NaN"), "ordinary": _experiment("ordinary")},
    "hard names": lambda: {name: named(name) for name in NAMES.values()},
    "twelve long names": lambda: {
        f"{n}: {'long name ' * 19}".strip(): _experiment("ordinary") for n in range(12)
    },
}


def _of_comparison(kind: str, case: str) -> Exhibit:
    sides = COMPARISONS[case]()
    compared = [
        Compared(label, side.spec, side.result, side.series, side.outcomes)
        for label, side in sides.items()
    ]
    diverged = any(Outcome.DIVERGED in side.outcomes for side in sides.values())
    figure = COMPARISON_FIGURES[kind]
    return Exhibit(figure, figure.data(compared), diverged, tuple(sides))


def _of_study(study: str, outcome: Outcome | None) -> Exhibit:
    figure, shown = STUDY_FIGURES["extrapolation"], STUDIES[study]
    experiments = [] if outcome is None else recipes.evidence(shown, "quick", outcome)
    info = figure.data(shown.title, shown.panels("quick", experiments), experiments)
    return Exhibit(figure, info, outcome is Outcome.DIVERGED)


def _of_recipe(figure: Figure, case: str, build: Callable[[], Info]) -> Exhibit:
    names = [name for kind, name in NAMES.items() if case == f"name: {kind}"]
    if "hard names" in case:
        names = [*NAMES.values()]
    return Exhibit(figure, build(), "diverged" in case, tuple(names))


def _exhibits() -> Iterator[tuple[str, Callable[[], Exhibit]]]:
    for case in EXPERIMENTS:
        for kind in _kinds(case):
            yield f"{kind}, {case}", lambda kind=kind, case=case: _of_experiment(kind, case)
    for case in COMPARISONS:
        for kind in COMPARISON_FIGURES:
            yield (
                f"compared {kind}, {case}",
                lambda kind=kind, case=case: _of_comparison(kind, case),
            )
    for study in STUDIES:
        for word, outcome in (
            ("nothing run", None),
            ("run", Outcome.FITTED),
            ("diverged", Outcome.DIVERGED),
        ):
            if outcome is Outcome.DIVERGED and STUDIES[study].reads_responses:
                continue  # its responses would be made up
            yield (
                f"study {study}, {word}",
                lambda study=study, outcome=outcome: _of_study(study, outcome),
            )
    for group, cases, figure in (
        ("lines", recipes.LINES, RECIPE_FIGURES["lines"]),
        ("heat map", recipes.HEATMAPS, RECIPE_FIGURES["heatmap"]),
        ("curves", recipes.CURVES, RECIPE_FIGURES["lines"]),
        ("sweep's lines", recipes.SWEEP_LINES, SWEEP_FIGURES["lines"]),
        ("sweep's heat map", recipes.SWEEP_HEATMAPS, SWEEP_FIGURES["heatmap"]),
    ):
        for case, build in cases.items():
            yield (
                f"{group}, {case}",
                lambda f=figure, case=case, build=build: _of_recipe(f, case, build),
            )


GALLERY: Mapping[str, Callable[[], Exhibit]] = dict(_exhibits())
"""All figures of the gallery by name."""
