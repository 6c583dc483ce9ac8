"""Balance along training: how far B is from Cᵀ, and how far what gradient flow conserves has drifted."""

from matplotlib.figure import Figure

from core.figures import seeds, style
from core.figures.info import Info, Line, SeedLine, Series, diverged, heading, linear_student, median, series_line
from core.result import ExperimentResult
from core.spec import ExperimentSpec


class ImbalanceInfo(Info):
    """Recorded points of each seed.

    Attributes:
        imbalance: |B - Cᵀ| by step.
        invariant_drift: The drift of what gradient flow conserves, by step.
        diverged: The seeds that diverged.
        median_imbalance: Of ``imbalance``, where seeds are many.
        median_drift: Of ``invariant_drift``, likewise.
    """

    imbalance: list[SeedLine]
    invariant_drift: list[SeedLine]
    diverged: list[int]
    median_imbalance: Line | None
    median_drift: Line | None


def info(spec: ExperimentSpec, result: ExperimentResult | None, series: Series) -> ImbalanceInfo:
    """The numbers of the figure; raises NotDrawable for a student without A, B and C."""
    linear_student(spec)
    imbalance = [series_line(series, seed, "imbalance") for seed in spec.seeds]
    drift = [series_line(series, seed, "invariant_drift") for seed in spec.seeds]
    return ImbalanceInfo(
        **heading(spec, "Balance" if result else "Balance so far"),
        imbalance=imbalance,
        invariant_drift=drift,
        diverged=diverged(result),
        median_imbalance=median(imbalance),
        median_drift=median(drift),
    )


@style.inked
def draw(info: ImbalanceInfo) -> Figure:
    """Imbalance above, drift below, both logarithmic over the step."""
    figure, (above, below) = style.panels(2, 1, height=5.2)
    for axes, lines, middle in (
        (above, info.imbalance, info.median_imbalance),
        (below, info.invariant_drift, info.median_drift),
    ):
        seeds.draw(
            axes, lines, diverged=info.diverged, median=middle, logarithmic=True, coloured=True, label=axes is above
        )
        style.over_steps(axes)
        style.logarithmic_y(axes)
    above.set(xlabel=None, ylabel="imbalance |B - Cᵀ|")
    below.set_ylabel("drift of the invariants")
    above.legend(loc="best", ncols=1 if len(info.imbalance) <= 6 else 2)
    style.sign(figure, info.title, info.source)
    return figure
