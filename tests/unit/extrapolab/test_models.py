"""What is made of a lab's answers."""

import json
import math

import pytest

from extrapolab.errors import ServerProblem
from extrapolab.models.experiments import Run, Worker
from tests.kit import sample_specs
from tests.unit.extrapolab.answers import record


def test_numbers_that_are_not_finite_are_read_from_their_words_and_written_so():
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


def test_what_a_newer_lab_says_beyond_this_is_kept():
    assert '"mood":"good"' in record(mood="good").model_dump_json()


def test_a_spec_of_a_newer_lab_with_more_tags_than_one_may_send_is_kept_and_read():
    tags = [f"tag {number}" for number in range(70)]
    sent = sample_specs.spec(name="newer").model_dump(mode="json") | {"tags": tags, "mood": "good"}
    sent["teacher"]["mood"] = "better"
    found = record(spec=sent)
    assert (found.name, list(found.tags)) == ("newer", tags)
    assert found.spec == sample_specs.spec(name="newer").model_copy(update={"tags": tuple(tags)})
    assert json.loads(found.model_dump_json())["spec"] == sent


def test_a_spec_that_is_not_understood_is_the_labs_problem_only_where_it_is_asked_for():
    found = record(spec={**record().written, "teacher": {"kind": "from the future"}})
    assert "number 0" in found.name
    with pytest.raises(ServerProblem, match="another version"):
        _ = found.spec


def test_an_answer_of_another_kind_is_the_labs_problem():
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
def test_final_states_are_those_that_are_not_left(state, is_final):
    assert record(state).is_final is is_final
