"""Whole curves of runs along steps, training time, lags and ranks, from previews of recipes."""

import numpy as np
import pytest

from core.result import Outcome
from tests.integration.service.saved_figures.recipes import refusal
from tests.kit import sample_specs


@pytest.mark.usefixtures("experiments")
class TestCurves:
    @pytest.mark.parametrize(
        ("x", "y", "expected", "has_teacher"),
        [
            ("step", "train_loss", [0.0, 1.0, 100.0], False),
            ("lag", "response", [float(j) for j in range(8)], True),
            ("lag", None, [float(j) for j in range(8)], True),
            ("rank", "eigenvalues", [1.0, 2.0, 3.0], False),
            ("rank", None, [1.0, 2.0, 3.0, 4.0], True),
        ],
    )
    def test_curves_are_shown_along_steps_lags_and_ranks(
        self, preview, x, y, expected, has_teacher
    ):
        changes = {"query": "tag:a and training.length = 2", "x": x, "y": y}
        (panel,) = preview(**changes).json()["panels"]
        lines = panel["lines"]
        assert [line["label"] for line in lines[:2]] == ["s = 0.01", "s = 1"]
        assert lines[0]["x"] == expected
        assert any(line["dashed"] for line in lines) is has_teacher
        for form in ("svg", "png"):
            assert preview(form, **changes).status_code == 200

    def test_errors_are_shown_with_the_teachers_response_and_a_mark_at_k(self, preview):
        query = "tag:a and training.length = 2 and student.start.scale = 1"
        (panel,) = preview(query=query, x="lag", y=None, series=None).json()["panels"]
        # at lag 2 the responses are 2 and 6, and the teacher's is 0.25
        assert panel["lines"][0]["y"][2] == pytest.approx(3.75)
        assert panel["limits"] == [{"label": "k = 2", "at": 1.5}]
        assert panel["lines"][1]["label"] == "|ĥ_j|"


class TestTrainingTime:
    @pytest.fixture
    def trained(self, submit, worker):
        """Completes an experiment whose loss falls as 1 / (1 + time)."""

        def trained(optimizer, times, *, outcome=Outcome.FITTED):
            submit(tags=["a"], optimizer=optimizer, seeds=1)
            claim = worker.claim()
            points = sample_specs.points(range(len(times)), claim.spec.seeds)
            points["time"] = np.array(times, float)
            points["train_loss"] = 1 / (1 + points["time"])
            worker.complete(
                claim, sample_specs.result(sample_specs.run(0, outcome=outcome)), points
            )

        return trained

    def test_gradient_flow_and_gd_share_an_axis_of_time_but_not_of_steps(self, trained, preview):
        trained({"lr": 0.5, "steps": 4}, [0.0, 0.5, 1.0, 1.5, 2.0])
        trained({"kind": "gradient_flow", "time": 2.0}, [0.0, 2.0])
        parts = {"y": "train_loss", "series": "optimizer.kind"}
        status, sentence = refusal(preview(x="step", **parts))
        assert status == 409
        assert "in 1 of the 2 experiments they are recorded times of gradient flow" in sentence
        assert "use x=time" in sentence
        (panel,) = preview(x="time", **parts).json()["panels"]
        assert panel["x"] == "training time τ"
        by_label = {
            line["label"]: dict(zip(line["x"], line["y"], strict=True)) for line in panel["lines"]
        }
        gd, flow = by_label["GD"], by_label["gradient flow"]
        assert (list(gd), list(flow)) == ([0.0, 0.5, 1.0, 1.5, 2.0], [0.0, 2.0])
        assert gd[2.0] == flow[2.0], "equal losses at equal times"
        assert preview("svg", x="time", **parts).status_code == 200
        assert preview(x="step", query="tag:a and optimizer.kind = gd").status_code == 200
        assert (
            preview(x="step", query="tag:a and optimizer.kind = gradient_flow").status_code == 200
        )

    def test_time_itself_is_drawn_by_step(self, trained, preview):
        trained({"lr": 0.5, "steps": 2}, [0.0, 0.5, 1.0])
        (panel,) = preview(x="step", y="time", series=None).json()["panels"]
        assert panel["lines"][0]["y"] == [0.0, 0.5, 1.0]

    def test_runs_without_a_time_are_counted(self, trained, preview):
        adam = {"kind": "adam", "lr": 0.5, "steps": 1}
        trained(adam, [np.nan, np.nan])
        status, sentence = refusal(preview(x="time", series=None))
        assert (status, "only gd and gradient_flow have" in sentence) == (409, True)
        trained({"lr": 0.5, "steps": 1}, [0.0, 0.5])
        data = preview(x="time", series=None).json()
        assert data["caption"].endswith("Left out: 1 run without a training time.")
        assert data["panels"][0]["lines"][0]["x"] == [0.0, 0.5]
