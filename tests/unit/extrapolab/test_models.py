"""Records read from a lab's answers."""

import json
import math

import pytest

from extrapolab.errors import ServerProblem
from extrapolab.models.experiments import Run
from extrapolab.models.operations import Worker
from tests.kit import sample_specs
from tests.unit.extrapolab.answers import record


def test_non_finite_numbers_are_read_and_written_as_words():
    run = Run.read(
        {
            "seed": 2**63 - 1,
            "summary": {"train_loss": "NaN", "fit_error": "Infinity", "imbalance": "-Infinity"},
        }
    )
    assert math.isnan(run.summary["train_loss"])
    assert run.summary["fit_error"] == math.inf
    assert run.seed == 2**63 - 1
    assert (
        '"train_loss":"NaN","fit_error":"Infinity","imbalance":"-Infinity"' in run.model_dump_json()
    )


def test_unknown_fields_of_a_newer_lab_are_kept():
    assert '"mood":"good"' in record(mood="good").model_dump_json()


def test_spec_of_a_newer_lab_with_more_tags_than_a_spec_may_have_is_read():
    tags = [f"tag {number}" for number in range(70)]
    sent = sample_specs.spec(name="newer").model_dump(mode="json") | {"tags": tags, "mood": "good"}
    sent["teacher"]["mood"] = "better"
    newer = record(spec=sent)
    assert (newer.name, list(newer.tags)) == ("newer", tags)
    assert newer.spec == sample_specs.spec(name="newer").model_copy(update={"tags": tuple(tags)})
    assert json.loads(newer.model_dump_json())["spec"] == sent


def test_spec_that_is_not_understood_is_an_error_only_when_it_is_read():
    newer = record(spec={**record().spec_json, "teacher": {"kind": "from the future"}})
    assert "number 0" in newer.name
    with pytest.raises(ServerProblem, match="another version"):
        _ = newer.spec


def test_answer_of_another_kind_is_a_server_problem():
    with pytest.raises(ServerProblem, match="another version"):
        Worker.read({"name": "someone"})


@pytest.mark.parametrize(
    ("state", "is_final"),
    [
        ("queued", False),
        ("running", False),
        ("paused", False),
        ("completed", True),
        ("failed", True),
        ("cancelled", True),
    ],
)
def test_only_ended_experiments_are_final(state, is_final):
    assert record(state).is_final is is_final
