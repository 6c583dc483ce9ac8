"""A point for each run at its end, from previews of recipes."""

import math
from typing import ClassVar

import pytest

from service.figures import figure_data
from tests.integration.service.saved_figures.recipes import refusal


class TestPoints:
    PARTS: ClassVar = {"x": "fit_error", "y": "train_loss"}

    @pytest.mark.usefixtures("experiments")
    def test_each_run_is_a_point_at_its_end(self, preview):
        data = preview(**self.PARTS, facets="training.length").json()
        first, second = data["panels"]
        assert (first["x"], second["title"]) == ("fit error", "k = 4")
        line = first["lines"][0]
        assert (line["x"], line["y"]) == ([-0.02, -0.06], [0.02, 0.06])
        assert (line["joined"], line["fitted"], line["seeds"]) == (False, [1, 1], [1, 1])
        assert "each run at its end" in first["y"]
        assert [len(line["x"]) for line in second["lines"]] == [2, 1], "one run diverged"
        assert data["caption"].endswith("Left out: 1 run that diverged.")
        assert "7 runs" in data["caption"]
        for form in ("svg", "png"):
            assert preview(form, **self.PARTS, band="none").status_code == 200

    @pytest.mark.usefixtures("experiments")
    def test_undefined_values_are_left_out_and_none_at_all_is_refused(self, preview, complete):
        complete(2, 0.5, value=math.nan)
        data = preview(**self.PARTS, series=None).json()
        assert data["caption"].endswith("1 run that diverged and 2 runs with an undefined value.")
        undefined = preview(**self.PARTS, query="tag:a and is_nan(train_loss)")
        assert refusal(undefined)[0] == 409
        assert "there are 2 runs with an undefined value" in refusal(undefined)[1]

    @pytest.mark.usefixtures("experiments")
    def test_too_many_points_are_refused(self, preview, monkeypatch):
        monkeypatch.setattr(figure_data, "MAX_POINTS", 6)
        status, sentence = refusal(preview(**self.PARTS))
        assert (status, "at most 6 points: narrow the query" in sentence) == (409, True)
