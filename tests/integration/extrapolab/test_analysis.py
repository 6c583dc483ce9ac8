"""What a whole lab finds beyond errors: trajectories, baselines, one experiment after another, the theorem."""

import json

import numpy as np
import pytest
from typer.testing import CliRunner

from extrapolab import Refused
from extrapolab.cli.app import app
from extrapolab.cli.exit_codes import Exit


@pytest.fixture
def invoke(lab):
    return lambda *arguments, **options: CliRunner().invoke(
        app, ["--url", lab.url, *map(str, arguments)], **options
    )


@pytest.fixture
def ended(client, spec):
    """An experiment that recorded all it can."""
    everything = {
        "record": ["eigenvalues", "response"],
        "baselines": ["era", "least_squares"],
        "horizon": 12,
        "points": 6,
    }
    return client.submit(spec(evaluation=everything)).wait(60)


def test_trajectories_are_arrays_with_an_axis_of_points(ended, tmp_path):
    series, result = ended.series(["train_loss", "response", "eigenvalues"]), ended.result()
    assert series["response"].shape == (12, 12)
    assert series["eigenvalues"].shape == (12, 6, 2)
    last = series["step"] == 50
    assert series["response"][last].tolist() == [run.response for run in result.runs]
    assert [[tuple(pair) for pair in poles] for poles in series["eigenvalues"][last].tolist()] == [
        run.eigenvalues for run in result.runs
    ]
    for name in ("eigenvalues", "trajectory", "weighted_spectrum", "imbalance"):
        assert ended.figure(name, tmp_path / f"{name}.svg").read_bytes().startswith(b"<?xml")


def test_what_was_not_recorded_is_refused_with_how_to_ask_for_it(client, spec):
    with pytest.raises(Refused, match=r"evaluation\.record"):
        client.submit(spec()).series(["response"])


def test_baselines_are_part_of_the_result_and_of_what_is_printed(ended, invoke):
    found = {baseline.name: baseline for baseline in ended.result().baselines}
    np.testing.assert_allclose(
        found["era"].response, ended.result().teacher_response, atol=1e-9
    )  # k = 5 > 2 d
    assert found["least_squares"].response[5:] == [0.0] * 7
    shown = invoke("result", ended.id).stdout
    assert "baseline" in shown
    assert "least squares" in shown


def test_an_experiment_goes_on_from_another(client, spec, ended):
    start = {"kind": "from_experiment", "id": ended.id}
    heir = client.submit(
        {**ended.spec.model_dump(mode="json"), "student": {**spec()["student"], "start": start}}
    )
    series = heir.wait(60).series(["response"])
    assert series["response"][0].tolist() == ended.result().runs[0].response
    with pytest.raises(Refused, match=r"student\.start\.id: there is no such experiment"):
        client.check(spec(student={**spec()["student"], "start": {**start, "id": "exp_1"}}))


def test_the_theorem_is_held_against_an_experiment_and_against_a_file(
    client, ended, invoke, tmp_path
):
    found = ended.theorem()
    by_name = {assumption.name: assumption for assumption in found.assumptions}
    assert by_name["long enough"].holds
    assert by_name["long enough"].margin == 1, "k = 5, d = 2"
    assert found.measure.unique
    file = tmp_path / "spec.json"
    file.write_text(ended.spec.model_dump_json())
    printed = [invoke("theorem", what).stdout for what in (ended.id, file)]
    assert printed[0] == printed[1]
    assert "The teacher's measure: " in printed[0]
    assert json.loads(invoke("theorem", ended.id, "--json").stdout) == json.loads(
        found.model_dump_json()
    )
    assert client.check(ended.spec).theorem == found


def test_a_student_of_another_kind_has_a_result_that_reads_well(client, spec, invoke):
    evaluation = {"horizon": 12, "points": 4, "sequences": 16}
    experiment = client.submit(
        spec(student={"kind": "gru", "dim": 4}, evaluation=evaluation, seeds=1)
    ).wait(60)
    shown = invoke("result", experiment.id)
    assert shown.exit_code == Exit.OK, shown.output
    assert "gru student (d = 4)" in shown.stdout
    assert "sequence extrapolation error" in shown.stdout
    assert experiment.result().runs[0].eigenvalues == []
    assert "is not linear" in invoke("theorem", experiment.id).stdout
    refused = invoke("figure", experiment.id, "weighted_spectrum")
    assert refused.exit_code == Exit.REFUSED
    assert "a gru student has no A" in refused.stderr
