"""Saved figures are stored and paged through, and their curves are read back exactly."""

import numpy as np
import pytest

from core.recipe import Recipe
from store import saved_figures
from store.errors import BadCursor, NotFound, VersionConflict
from store.query import curves, run_ends
from store.query.fields import FIELDS
from store.query.query import ExperimentQuery
from tests.kit import sample_specs

RECIPE = Recipe(query="tag:a", x="training.length")


def test_recipe_is_saved_read_and_changed(database):
    with database.write() as tx:
        saved = saved_figures.save(tx, RECIPE, owner="ada")
    with database.write() as tx:
        assert saved_figures.get(tx, saved.id) == saved
        changed = saved_figures.change(
            tx, saved.id, RECIPE.model_copy(update={"statistic": "mean"}), version=1
        )
    assert (changed.version, changed.created_at) == (2, saved.created_at)
    assert changed.recipe.statistic == "mean"
    with database.read() as tx:
        assert saved_figures.get(tx, saved.id) == changed
    with (
        pytest.raises(VersionConflict, match=r"figure .* is at version 2, not 1"),
        database.write() as tx,
    ):
        saved_figures.change(tx, saved.id, RECIPE, version=1)
    with database.write() as tx:
        saved_figures.remove(tx, saved.id)
    for call in (saved_figures.get, saved_figures.remove):
        with pytest.raises(NotFound, match="no figure"), database.write() as tx:
            call(tx, saved.id)


def test_pages_continue_where_the_last_one_ended(database):
    with database.write() as tx:
        ids = [saved_figures.save(tx, RECIPE, owner="").id for _ in range(5)]
    listed, cursor = [], None
    with database.read() as tx:
        while True:
            page, cursor = saved_figures.page(tx, limit=2, cursor=cursor)
            listed += [figure.id for figure in page]
            if cursor is None:
                break
        with pytest.raises(BadCursor):
            saved_figures.page(tx, limit=2, cursor="exp_1")
    assert listed == ids[::-1]


def test_curves_are_read_back_as_stored(repo):
    claim = repo.begin(changes={"training": {"length": 2}})
    runs = [sample_specs.run(seed) for seed in claim.spec.seeds]
    repo.complete(claim, *runs, points=sample_specs.points([0, 10, 100], claim.spec.seeds))
    other, without_points = repo.begin(), repo.begin()
    repo.record(other, 0, 1)
    repo.record(other, 10)
    with repo.database.read() as tx:
        ids = [other_claim.experiment_id for other_claim in (claim, other, without_points)]
        series = list(curves.read_series(tx, ids, "train_loss"))
        arrays = list(curves.read_arrays(tx, [claim.experiment_id], "response"))
        (teacher,) = curves.read_teachers(tx, [claim.experiment_id]).values()
    steps = [(experiment_id, seed, x.tolist()) for experiment_id, seed, x, _ in series]
    assert sorted(steps) == sorted(
        [
            *((claim.experiment_id, seed, [0.0, 10.0, 100.0]) for seed in (0, 1)),
            *((other.experiment_id, seed, [0.0, 1.0, 10.0]) for seed in (0, 1)),
        ]
    )
    losses = [y for experiment_id, _, _, y in series if experiment_id == claim.experiment_id]
    assert losses[1].tolist() == [1e6, 1e6 + 10, 1e6 + 100]
    assert [(seed, y.shape) for _, seed, _, y in arrays] == [(0, (8,)), (1, (8,))]
    assert np.array_equal(teacher, sample_specs.result().teacher_response)


def test_unfinished_experiments_have_a_state_and_field_values(repo):
    lengths = {length: repo.begin(changes={"training": {"length": length}}) for length in (2, 3)}
    repo.complete(lengths[2])
    with repo.database.read() as tx:
        unfinished = run_ends.unfinished_experiments(
            tx, ExperimentQuery.parse(), [FIELDS["training.length"]]
        )
    assert unfinished == [("running", (3,))]
