"""A teacher whose response leaves the range of float64: a warning, and answers everywhere."""

import numpy as np

from core.run import run
from core.spec import ExperimentSpec
from tests.kit import sample_specs

SPEC = sample_specs.spec(
    teacher={"kind": "balanced", "eigenvalues": {"kind": "list", "values": [1.5]}},
    evaluation={"horizon": 2000, "points": 2},
    optimizer={"lr": 1e-4, "steps": 2},
).model_dump(mode="json")


def test_the_lag_is_named_before_the_training_and_every_answer_can_be_given(client, worker):
    dry_run = client.post("/v1/experiments?dry_run=true", json=SPEC).json()
    assert "past the range of float64 from lag 1751 on" in " ".join(dry_run["warnings"])
    submitted = client.post("/v1/experiments", json=SPEC)
    path = submitted.headers["location"]
    claim = worker.claim()
    result = run(ExperimentSpec.model_validate(SPEC))
    worker.complete(claim, result, {name: np.array(c) for name, c in result.series.items()})
    (run_of_answer, *_) = client.get(f"{path}/result").json()["runs"]
    summary = run_of_answer["summary"]
    assert (summary["extrapolation_error"], summary["zero_baseline"]) == ("Infinity", "Infinity")
    assert summary["relative_extrapolation_error"] == "NaN"
    (reason,) = run_of_answer["warnings"]
    assert "response exceeds the range of float64 before the horizon" in reason
    page = path.removeprefix("/v1")
    for answer in (f"{path}/theorem", f"{path}/series", f"{path}/figures/response.svg", page):
        assert client.get(answer).status_code == 200, answer
    teacher = {"teacher": SPEC["teacher"], "horizon": 2000}
    assert client.post("/v1/teachers:preview", json=teacher).json()["response"][-1] is None
