"""Saved figures in the database, and the curves that they may show."""

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


def test_a_recipe_is_kept_read_and_changed(database):
    with database.write() as tx:
        saved = saved_figures.save(tx, RECIPE, owner="ada")
    with database.write() as tx:
        assert saved_figures.get(tx, saved.id) == saved
        changed = saved_figures.change(
            tx, saved.id, RECIPE.model_copy(update={"statistic": "mean"}), version=1
        )
    assert (changed.version, changed.created_at, changed.recipe.statistic) == (
        2,
        saved.created_at,
        "mean",
    )
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


def test_pages_go_on_where_the_last_one_ended(database):
    with database.write() as tx:
        names = [saved_figures.save(tx, RECIPE, owner="").id for _ in range(5)]
    found, cursor = [], None
    with database.read() as tx:
        while True:
            page, cursor = saved_figures.page(tx, limit=2, cursor=cursor)
            found += [figure.id for figure in page]
            if cursor is None:
                break
        with pytest.raises(BadCursor):
            saved_figures.page(tx, limit=2, cursor="exp_1")
    assert found == names[::-1]


def test_curves_are_those_that_were_stored(repo):
    claim = repo.begin(changes={"training": {"length": 2}})
    runs = [sample_specs.run(seed) for seed in claim.spec.seeds]
    repo.complete(claim, *runs, points=sample_specs.points([0, 10, 100], claim.spec.seeds))
    other, without = repo.begin(), repo.begin()
    repo.record(other, 0, 1)
    repo.record(other, 10)
    with repo.database.read() as tx:
        several = {claim.experiment_id: claim, other.experiment_id: other}
        of_both = list(curves.read_series(tx, [*several, without.experiment_id], "train_loss"))
        points = [one for one in of_both if one[0] == claim.experiment_id]
        assert [
            (seed, x.tolist()) for name, seed, x, _ in of_both if name == other.experiment_id
        ] == [
            (0, [0.0, 1.0, 10.0]),
            (1, [0.0, 1.0, 10.0]),
        ]
        arrays = list(curves.read_arrays(tx, [claim.experiment_id], "response"))
        (teacher,) = curves.read_teachers(tx, [claim.experiment_id]).values()
    assert [(name, seed, x.tolist()) for name, seed, x, _ in points] == [
        (claim.experiment_id, seed, [0.0, 10.0, 100.0]) for seed in (0, 1)
    ]
    assert points[1][3].tolist() == [1e6, 1e6 + 10, 1e6 + 100]
    assert [(seed, y.shape) for _, seed, _, y in arrays] == [(0, (8,)), (1, (8,))]
    assert np.array_equal(teacher, sample_specs.result().teacher_response)


def test_what_is_not_completed_is_told_by_its_state_and_key(repo):
    lengths = {length: repo.begin(changes={"training": {"length": length}}) for length in (2, 3)}
    repo.complete(lengths[2])
    with repo.database.read() as tx:
        found = run_ends.unfinished_experiments(
            tx, ExperimentQuery.parse(), [FIELDS["training.length"]]
        )
    assert found == [("running", (3,))]
