"""Lines and heat maps of final metrics, from previews of recipes."""

import pytest

from tests.integration.service.saved_figures.recipes import student


@pytest.mark.usefixtures("experiments")
class TestLines:
    def test_a_line_is_a_statistic_over_all_runs_at_each_place(self, preview):
        data = preview().json()
        (panel,) = data["panels"]
        small, large = panel["lines"]
        assert (small["label"], large["label"]) == ("s = 0.01", "s = 1")
        assert small["x"] == [2.0, 4.0]
        assert small["y"] == pytest.approx([0.04, 0.08])
        assert small["lower"] == pytest.approx([0.02, 0.04])
        assert small["upper"] == pytest.approx([0.06, 0.12])
        assert large["y"] == [pytest.approx(4.0), "Infinity"]
        assert len(data["spec_hashes"]) == 4
        assert "4 completed experiments with 8 runs" in data["caption"]
        assert data["caption"].endswith(
            " 7 of 8 runs fit; 1 diverged. A diverged run counts as infinite. "
            "A triangle at the upper edge: infinite, as too many seeds diverged."
        )

    def test_statistic_and_band_can_be_chosen(self, preview):
        (panel,) = preview(statistic="min", band="none").json()["panels"]
        small, large = panel["lines"]
        assert small["y"] == pytest.approx([0.02, 0.04])
        assert large["y"] == [2.0, 4.0]
        assert small["lower"] == []

    def test_runs_at_one_place_are_pooled(self, preview):
        data = preview(series="training.length", x="student.dim").json()
        (panel,) = data["panels"]
        assert panel["lines"][0]["y"] == [pytest.approx(1.03)]
        assert panel["y"].endswith("over seeds and 2 setups")
        assert "quartiles over seeds and 2 setups, against" in data["caption"]

    def test_facets_are_panels_with_the_same_lines(self, preview):
        panels = preview(facets="student.start.scale", series=None).json()["panels"]
        assert [panel["title"] for panel in panels] == ["s = 0.01", "s = 1"]
        assert panels[0]["lines"][0]["y"] == pytest.approx([0.04, 0.08])

    def test_a_rerun_counts_once_with_its_latest_result(self, preview, complete):
        before = preview().json()
        complete(2, 0.01)  # gives the same numbers
        after = preview().json()
        assert after["panels"] == before["panels"]
        assert "8 runs" in after["caption"]


def test_a_heat_map_marks_unfinished_experiments(preview, experiments, submit):
    submit(tags=["a"], training={"length": 6}, student=student(1.0))
    (grid,) = preview(kind="heatmap").json()["maps"]
    assert (grid["columns"], grid["rows"]) == ([2, 4, 6], [0.01, 1.0])
    assert grid["states"] == [["completed", "completed", ""], ["completed", "diverged", "queued"]]
    assert grid["values"][0] == [pytest.approx(0.04), pytest.approx(0.08), "NaN"]


def test_the_source_counts_one_experiment_and_one_run_in_the_singular(preview, complete):
    complete(2, 0.01, seeds=[0])
    assert preview().json()["source"].endswith("1 experiment, 1 run")
