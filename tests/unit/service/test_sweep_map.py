"""A sweep's map: its axes, the marks of pooled cells, and the line at the threshold."""

import matplotlib as mpl
import numpy as np
import pytest

from core.look import SCREEN
from core.recipe import DEFAULT_METRIC
from core.result import Outcome
from service.pages.sweep_map.cells import SHADES, shades, strips, sweep_map
from service.pages.sweep_map.choice import Choice, Given, SweepAxis, axes_of
from service.pages.sweep_map.frame import Frame, edges
from store.query.run_ends import CompletedRuns
from store.states import State
from store.sweeps.repository import Member, Sweep

LENGTH, RATE = "training.length", "optimizer.lr"
AXES = {
    LENGTH: SweepAxis(LENGTH, (4, 8), ("4", "8"), (LENGTH,)),
    RATE: SweepAxis(RATE, (0.1, 0.2, 0.3), ("0.1", "0.2", "0.3"), (RATE,)),
}
ERRORS = {(4, 0.1): 0.02, (8, 0.1): 0.5, (4, 0.2): 0.9, (8, 0.2): 1.0, (8, 0.3): 5e5}
"""The error of each experiment; (4, 0.3) failed."""

NEAR = [0.3, 0.1 + 0.2]
MEMBERS = [
    Member(n, {LENGTH: length, RATE: rate}, f"exp_{n}", State.COMPLETED)
    for n, (length, rate) in enumerate(ERRORS)
]
FAILED = Member(len(ERRORS), {LENGTH: 4, RATE: 0.3}, "exp_failed", State.FAILED)


def runs_of(errors: dict[str, list[float]]) -> dict[str, CompletedRuns]:
    """Seeds that fit, with these errors."""
    return {
        name: CompletedRuns("", np.array([Outcome.FITTED] * len(values)), np.array(values)[:, None])
        for name, values in errors.items()
    }


def choice(**given: str) -> Choice:
    """A choice on the axes."""
    names = ("x", "y", "series", "facets", "statistic")
    return Choice.of(AXES, Given(*(given.get(name) for name in names), at=[]))


def test_the_line_parts_errors_below_that_of_answering_zero_from_those_above():
    chosen = choice()
    runs = runs_of(
        {each.experiment_id: [e] for each, e in zip(MEMBERS, ERRORS.values(), strict=True)}
    )
    drawn = sweep_map("swp_1", chosen, [*MEMBERS, FAILED], runs)
    frame = Frame.of(AXES[LENGTH], AXES[RATE])
    width, height = frame.cell
    middle = f"M{width - 0.5} {height}v{height}"  # in the middle row, between 0.9 and 1
    assert edges(drawn.panels[0], frame, 1.0) == f"{middle}M{width} {2 * height - 0.5}h{width}"
    assert drawn.ends == ["cell-0-0-0", "cell-0-2-1"]
    assert drawn.is_beyond  # the colours end at 10³, as strips do
    assert drawn.scale is not None
    assert drawn.scale.high == pytest.approx(1e3)


def test_cells_at_nearly_the_same_value_are_told_apart():
    members = [Member(n, {RATE: rate}, f"exp_{n}", State.COMPLETED) for n, rate in enumerate(NEAR)]
    axis = {"path": RATE, "values": NEAR}
    axes = axes_of(Sweep("swp_1", "", "", {}, [axis], 0.0, 1, {}), members)
    assert axes[RATE].texts == ["0.3", "0.30000000000000004"]
    chosen = Choice.of(axes, Given(*[None] * 5, at=[]))
    runs = runs_of({member.experiment_id: [0.5] for member in members})
    (panel,) = sweep_map("swp_1", chosen, members, runs).panels
    assert [cell.label for cell in panel.cells] == ["η = 0.3", "η = 0.30000000000000004"]


def test_a_pooled_cell_has_a_mark_for_every_seed_of_all_its_experiments():
    members = [
        Member(n, {LENGTH: 4 if n < 20 else 8, RATE: 0.1}, f"exp_{n}", State.COMPLETED)
        for n in range(21)
    ]
    runs = runs_of({f"exp_{n}": [10.0 ** -(n % 20 / 4), 3.0] for n in range(21)})
    chosen = choice(series="none")
    drawn = strips(sweep_map("swp_1", chosen, members, runs), chosen, runs)
    first = drawn.panels[0].cells[0]
    assert len(first.ticks) == 21  # 20 errors, and one that all have
    assert len(first.curves) == 12
    assert drawn.ends == []  # curves are those of single experiments


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ({}, (LENGTH, RATE, None)),
        ({"x": RATE}, (RATE, LENGTH, None)),
        ({"x": RATE, "series": RATE}, (RATE, LENGTH, None)),
        ({"x": RATE, "facets": RATE}, (RATE, LENGTH, None)),
        ({"series": LENGTH}, (RATE, LENGTH, None)),
        ({"series": "none"}, (LENGTH, None, None)),
        ({"facets": RATE}, (LENGTH, None, RATE)),
    ],
)
def test_an_axis_has_one_place(given: dict[str, str], shown: tuple[str | None, ...]):
    chosen = choice(**given)
    assert (chosen.x, chosen.series, chosen.facets) == shown
    assert chosen.y == DEFAULT_METRIC


def test_an_axis_at_one_value_is_not_shown_unasked():
    chosen = Choice.of(AXES, Given(LENGTH, None, None, None, None, at=[f"{RATE}=0.2"]))
    assert (chosen.x, chosen.series, chosen.fixed) == (LENGTH, None, {RATE: 0.2})


def test_points_on_axes_that_advance_together_lie_at_their_values():
    together = (LENGTH, RATE)
    axes = {
        LENGTH: SweepAxis(LENGTH, (10, 20, 30), ("10", "20", "30"), together),
        RATE: SweepAxis(RATE, (0.01, 0.1, 1.0), ("0.01", "0.1", "1"), together),
    }
    chosen = Choice.of(axes, Given(LENGTH, None, RATE, None, None, at=[]))
    places = [(10, 0.1), (20, 1.0), (30, 0.01)]
    members = [
        Member(n, {LENGTH: length, RATE: rate}, f"exp_{n}", State.COMPLETED)
        for n, (length, rate) in enumerate(places)
    ]
    drawn = sweep_map("swp_1", chosen, members, runs_of({f"exp_{n}": [0.5] for n in range(3)}))
    frame = Frame.of_points(axes[LENGTH], axes[RATE])
    assert chosen.count_cells() == 3
    assert sorted((cell.column, cell.row) for cell in drawn.panels[0].cells) == [
        (0, 1), (1, 2), (2, 0),
    ]  # fmt: skip
    width, height = (side - frame.cell[0] for side in frame.plot)
    assert frame.lefts == pytest.approx([0, width / 2, width])
    assert frame.tops == pytest.approx([height, height / 2, 0])
    assert [label.text for label in frame.y_labels] == ["10⁰", "10⁻¹", "10⁻²"]
    assert chosen.recipe("swp_1")["kind"] == "lines"


def test_numbers_have_the_colours_of_figures():
    expected = mpl.colormaps[f"{SCREEN.cmap}_r"](np.linspace(0.0, 1.0, SHADES))
    assert list(shades()) == [mpl.colors.to_hex(colour) for colour in expected]
