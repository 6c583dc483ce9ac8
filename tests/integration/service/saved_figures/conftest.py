"""Experiments under a tag, recipes over them that are saved, and previews."""

import pytest

from core.result import Outcome
from tests.integration.service.saved_figures.recipes import RECIPE, student
from tests.kit import sample_specs


@pytest.fixture
def complete(submit, worker):
    """Submits and completes an experiment with the tag a; returns its id."""

    def complete(length, scale, *, diverged=(), value=None, **changes):
        path = submit(tags=["a"], training={"length": length}, student=student(scale), **changes)
        claim = worker.claim()
        runs = [
            sample_specs.run(
                seed,
                outcome=Outcome.DIVERGED if seed in diverged else Outcome.FITTED,
                value=length * scale * (1 + 2 * seed) if value is None else value,
            )
            for seed in claim.spec.seeds
        ]
        points = sample_specs.points([0, 1, 100], claim.spec.seeds)
        worker.complete(claim, sample_specs.result(*runs), points)
        return path.rpartition("/")[2]

    return complete


@pytest.fixture
def experiments(complete):
    """Four experiments over k and scale, one of them with a diverged seed."""
    return [
        complete(k, scale, diverged=(1,) if (k, scale) == (4, 1.0) else ())
        for scale in (0.01, 1.0)
        for k in (2, 4)
    ]


@pytest.fixture
def save(client):
    """Saves a recipe; returns its path."""

    def save(**changes):
        answer = client.post("/v1/figures", json=RECIPE | changes)
        assert answer.status_code == 201, answer.text
        return answer.headers["location"]

    return save


@pytest.fixture
def preview(client):
    """The answer to a preview of the recipe with some changes; None leaves a part out."""

    def preview(form="json", **changes):
        recipe = {name: part for name, part in (RECIPE | changes).items() if part is not None}
        return client.get(f"/v1/figures/preview.{form}", params=recipe)

    return preview
