"""Results beyond errors, from a whole lab: trajectories, baselines, warm starts, the theorem."""

import json

import numpy as np
import pytest
from typer.testing import CliRunner

from extrapolab import Refused
from extrapolab.cli.app import app
from extrapolab.cli.exit_codes import ExitCode


@pytest.fixture
def invoke(lab):
    return lambda *arguments, **options: CliRunner().invoke(
        app, ["--url", lab.url, *map(str, arguments)], **options
    )


@pytest.fixture
def completed(client, spec):
    """An experiment that recorded everything."""
    evaluation = {
        "record": ["eigenvalues", "response"],
        "baselines": ["era", "least_squares"],
        "horizon": 12,
        "points": 6,
    }
    return client.submit(spec(evaluation=evaluation)).wait(60)


def test_trajectories_are_arrays_with_an_axis_of_points(completed, tmp_path):
    series, result = completed.series(["train_loss", "response", "eigenvalues"]), completed.result()
    assert series["response"].shape == (12, 12)
    assert series["eigenvalues"].shape == (12, 6, 2)
    last = series["step"] == 50
    assert np.array_equal(series["response"][last], [run.response for run in result.runs])
    assert np.array_equal(series["eigenvalues"][last], [run.eigenvalues for run in result.runs])
    first = result.runs[0]
    assert first.parameters["A"].shape == (6, 6)
    assert first.response is first.response, "arrays are made once"
    assert json.loads(result.model_dump_json())["runs"][0]["response"] == first.response.tolist()
    for name in ("eigenvalues", "trajectory", "weighted_spectrum", "imbalance"):
        assert completed.figure(name, tmp_path / f"{name}.svg").read_bytes().startswith(b"<?xml")


def test_unrecorded_series_is_refused_with_the_remedy(client, spec):
    with pytest.raises(Refused, match=r"evaluation\.record"):
        client.submit(spec()).series(["response"])


def test_baselines_are_in_the_result_and_in_the_output(completed, invoke):
    baselines = {baseline.name: baseline for baseline in completed.result().baselines}
    np.testing.assert_allclose(
        baselines["era"].response, completed.result().teacher_response, atol=1e-9
    )  # k = 5 > 2 d
    assert baselines["least_squares"].response[5:].tolist() == [0.0] * 7
    output = invoke("result", completed.id).stdout
    assert "baseline" in output
    assert "least squares" in output


def test_experiment_starts_from_another(client, spec, completed):
    start = {"kind": "from_experiment", "id": completed.id}
    dependent = client.submit(
        {**completed.spec.model_dump(mode="json"), "student": {**spec()["student"], "start": start}}
    )
    series = dependent.wait(60).series(["response"])
    assert np.array_equal(series["response"][0], completed.result().runs[0].response)
    with pytest.raises(Refused, match=r"student\.start\.id: there is no such experiment"):
        client.check(spec(student={**spec()["student"], "start": {**start, "id": "exp_1"}}))


def test_theorem_is_checked_on_an_experiment_and_on_a_file(client, completed, invoke, tmp_path):
    theorem = completed.theorem()
    by_name = {assumption.name: assumption for assumption in theorem.assumptions}
    assert by_name["long enough"].holds
    assert by_name["long enough"].margin == 1, "k = 5, d = 2"
    assert theorem.measure.unique
    file = tmp_path / "spec.json"
    file.write_text(completed.spec.model_dump_json())
    printed = [invoke("theorem", argument).stdout for argument in (completed.id, file)]
    assert "Here the training loss ended at" in printed[0]
    before = [text.split("The theorem is conditional")[0] for text in printed]
    assert before[0] == before[1]
    assert "The teacher's measure: " in printed[0]
    assert json.loads(invoke("theorem", completed.id, "--json").stdout) == json.loads(
        theorem.model_dump_json()
    )
    losses = [run.summary["train_loss"] for run in completed.result().runs]
    assert theorem.largest_loss == max(losses)
    of_runs = {"condition": theorem.condition, "largest_loss": theorem.largest_loss}
    of_spec = client.check(completed.spec).theorem
    assert of_spec.largest_loss is None
    assert of_spec.model_copy(update=of_runs) == theorem


def test_result_of_a_non_linear_student_is_readable(client, spec, invoke):
    evaluation = {"horizon": 12, "points": 4, "sequences": 16}
    experiment = client.submit(
        spec(student={"kind": "gru", "dim": 4}, evaluation=evaluation, seeds=1)
    ).wait(60)
    printed = invoke("result", experiment.id)
    assert printed.exit_code == ExitCode.OK, printed.output
    assert "GRU student (d = 4)" in printed.stdout
    assert "sequence extrapolation error" in printed.stdout
    assert experiment.result().runs[0].eigenvalues.size == 0
    assert "is not linear" in invoke("theorem", experiment.id).stdout
    refused = invoke("figure", experiment.id, "weighted_spectrum")
    assert refused.exit_code == ExitCode.REFUSED
    assert "a GRU student has no A" in refused.stderr
