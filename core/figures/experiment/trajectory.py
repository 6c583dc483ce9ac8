"""The response along training: how the student's response grows into the teacher's, and past k."""

from collections.abc import Sequence

import numpy as np

from core.figures import teacher
from core.figures.drawing import style
from core.figures.drawing.plot import Drawing, Plot, Trace, limits_around
from core.figures.drawing.viridis import viridis
from core.figures.experiment.seeds import seed_title
from core.figures.info import Info, SeedLine, Series, heading, not_fitted_seeds, recorded_trajectory
from core.figures.view import DEFAULT_VIEW, View
from core.panels import length_marks
from core.result import ExperimentResult
from core.spec import ExperimentSpec
from core.symbols import axis_label

MAX_PANELS = 4
"""Most seeds with their own panel; the others are only in the figure's data."""

MAX_STEPS = 7
"""Most recorded steps shown of each seed, chosen by :func:`steps_of_change`."""


class StepLine(SeedLine):
    """The response of one seed by lag, at one step, in one channel."""

    step: int
    entry: tuple[int, int]


class TrajectoryInfo(Info):
    """Recorded responses by lag j.

    Attributes:
        length: The training length k.
        entry: (output, input) of the teacher's largest entry, or of the one that was chosen.
        teacher: ĥ_j in that entry; empty if not known before the end.
        students: h_j of each seed in that entry at a few steps, by seed and step.
        teacher_channels: ĥ_j in every entry that is shown, if there are several.
        channels: The same as ``students`` for every entry that is shown, if there are several.
        not_fitted: The seeds that ran to the end and do not fit.
    """

    length: int
    entry: tuple[int, int]
    teacher: list[float]
    students: list[StepLine]
    teacher_channels: list[list[float]]
    channels: list[StepLine]
    not_fitted: list[int]


def info(
    spec: ExperimentSpec,
    result: ExperimentResult | None,
    series: Series,
    view: View = DEFAULT_VIEW,
) -> TrajectoryInfo:
    """The data of the figure.

    Raises:
        NotDrawable: Responses weren't recorded, or there is no such channel.
    """
    recorded = recorded_trajectory(spec, series, "response")
    target = teacher.response(spec, result)
    entries = teacher.channels(recorded.shape, view)
    main = entries[0] if target is None else teacher.main_entry(target, view)
    scale = None if target is None else float(np.abs(target).max())
    shown = set(steps_of_change(series, recorded, MAX_STEPS, scale).tolist())
    lines = []
    for seed in spec.seeds:
        rows = np.flatnonzero(series["seed"] == seed)
        for row in rows:
            step, lags = int(series["step"][row]), [float(j) for j in range(recorded.shape[1])]
            if step in shown or row == rows[-1]:
                lines += [
                    StepLine(seed=seed, step=step, entry=entry, x=lags, y=response.tolist())
                    for entry in entries
                    for response in [recorded[row][:, *entry]]
                ]
    several = len(entries) > 1
    suffix = "" if several else teacher.channel_words(main, recorded.shape)
    return TrajectoryInfo(
        **heading(
            spec,
            result,
            ("Response along training" if result else "Response so far") + suffix,
            f"h_j by lag at up to {MAX_STEPS} recorded steps, chosen where it changes, from dark "
            "to light; ĥ_j as dots. A dotted line marks k.",
        ),
        length=spec.training.length,
        entry=main,
        teacher=[] if target is None else target[:, *main].tolist(),
        students=[line for line in lines if line.entry == main],
        teacher_channels=[target[:, *entry].tolist() for entry in entries]
        if several and target is not None
        else [],
        channels=lines if several else [],
        not_fitted=not_fitted_seeds(result),
    )


def steps_of_change(
    series: Series, responses: np.ndarray, count: int, scale: float | None = None
) -> np.ndarray:
    """The first and the last step, and those between which responses change equally much.

    Change is the largest difference of entries of any seed, and at most ``scale``.

    Args:
        series: Columns ``seed`` and ``step``, (points,), in order of step.
        responses: (points, q, p, m).
        count: The most steps.
        scale: The largest entry that matters; by default the largest finite one.

    Example:
        >>> responses = np.array([0.0, 0.0, 0.0, 1.0, 2.0, 2.0]).reshape(-1, 1, 1, 1)
        >>> series = {"seed": np.zeros(6), "step": np.arange(6)}
        >>> steps_of_change(series, responses, 3).tolist()
        [0, 3, 5]
    """
    seeds, steps = series["seed"], series["step"]
    unique = np.unique(steps)
    if len(unique) <= count:
        return unique
    flat = responses.reshape(len(responses), -1)
    finite = np.abs(flat[np.isfinite(flat)])
    largest = scale or (float(finite.max()) if len(finite) else 1.0)
    change = np.zeros(len(unique))
    for seed in np.unique(seeds):
        rows = np.flatnonzero(seeds == seed)
        with np.errstate(all="ignore"):
            difference = np.abs(np.diff(flat[rows], axis=0)).max(axis=1, initial=0.0)
        of_seed = np.minimum(np.nan_to_num(difference, nan=largest), largest)
        places = np.searchsorted(unique, steps[rows][1:])
        change[places] = np.maximum(change[places], of_seed)
    path = np.cumsum(change)
    places = np.searchsorted(path, np.linspace(0.0, path[-1], count))
    return unique[np.unique([0, *places[1:-1].clip(0, len(path) - 1), len(path) - 1])]


def drawing(info: TrajectoryInfo) -> Drawing:
    """A panel per seed, or per channel of the first seed: responses from dark to light."""
    seeds = list(dict.fromkeys(line.seed for line in info.students))
    shown = seeds[: 1 if info.channels else MAX_PANELS]
    if info.channels:
        entries = list(dict.fromkeys(line.entry for line in info.channels))
        targets = info.teacher_channels or [[] for _ in entries]
        plots = [
            _plot(
                info,
                [line for line in info.channels if line.seed == seeds[0] and line.entry == entry],
                target,
                f"{seed_title(seeds[0], info.not_fitted)}, {teacher.channel_title(entry)}",
            )
            for entry, target in zip(entries, targets, strict=True)
        ]
        columns = len({entry[1] for entry in entries})
    else:
        plots = [
            _plot(
                info,
                [line for line in info.students if line.seed == seed],
                info.teacher,
                seed_title(seed, info.not_fitted),
            )
            for seed in shown
        ]
        columns = 2
    omitted = f" (first {len(shown)} of {len(seeds)} seeds)" if len(seeds) > len(shown) else ""
    return Drawing(
        plots=plots,
        columns=columns,
        column_width=4.8,
        row_height=3.4,
        suffix=omitted,
    )


def _plot(
    info: TrajectoryInfo, lines: Sequence[StepLine], target: Sequence[float], title: str
) -> Plot:
    steps = sorted({line.step for line in info.students})
    colour_of = dict(zip(steps, viridis(len(steps), last=0.9), strict=True))
    traces = [
        Trace(x=line.x, y=line.y, label=f"step {line.step}", colour=colour_of[line.step])
        for line in lines
    ]
    if target:
        traces.append(
            Trace(
                x=range(len(target)),
                y=target,
                label="teacher",
                colour=style.TEACHER,
                dash="",
                marker="o",
                size=3.0,
            )
        )
    return Plot(
        x=axis_label("lag"),
        y="h_j",
        title=title,
        traces=traces,
        limits=length_marks([info.length]),
        y_limits=limits_around(target or [y for line in lines[-1:] for y in line.y]),
    )
