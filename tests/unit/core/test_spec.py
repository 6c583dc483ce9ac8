"""The spec language: defaults, normal forms, and all problems reported at once."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from core.spec import ExperimentSpec, explain, setup_hash, spec_hash

MINIMAL = {
    "teacher": {"kind": "balanced", "dim": 2},
    "student": {"kind": "linear", "dim": 8},
    "training": {"length": 5},
}


def parse(**changes):
    return ExperimentSpec.model_validate({**MINIMAL, **changes})


def problems_of(**changes):
    with pytest.raises(ValidationError) as caught:
        parse(**changes)
    return {problem.pointer: problem for problem in explain(caught.value, ExperimentSpec)}


def test_only_teacher_student_and_length_are_required():
    spec = ExperimentSpec.model_validate(MINIMAL)
    assert spec.seeds == (0, 1, 2, 3, 4)
    assert spec.horizon == 40
    assert spec.optimizer.stop is None


def test_kinds_with_a_default_are_optional():
    spec = parse(
        optimizer={"lr": 0.1},
        training={"length": 5, "loss": {}},
        student={"kind": "linear", "dim": 8, "start": {}},
    )
    assert (spec.optimizer.kind, spec.training.loss.kind, spec.student.start.kind) == (
        "gd",
        "population",
        "gaussian",
    )


@pytest.mark.parametrize("stop", [None, {}, {"loss_below": None}])
def test_every_empty_stop_rule_has_the_same_hash(stop):
    assert spec_hash(parse(optimizer={"stop": stop})) == spec_hash(parse())


def test_whole_numbers_can_be_written_as_floats():
    assert parse(optimizer={"steps": 1e4}, training={"length": 5.0}, seeds=2.0) == parse(
        optimizer={"steps": 10_000}, seeds=2
    )


def test_notes_can_contain_line_feeds_and_tabs():
    assert parse(notes="one\ttab\nand a line").notes == "one\ttab\nand a line"


def test_a_number_of_seeds_means_the_first_seeds():
    assert parse(seeds=3).seeds == (0, 1, 2)
    assert parse(seeds=[2**63 - 1]).seeds == (2**63 - 1,)


def test_a_spec_survives_json():
    spec = parse(
        teacher={"kind": "explicit", "A": [[0.1]], "B": [[1]], "C": [[2]]}, seeds=[7, 2**63 - 1]
    )
    assert ExperimentSpec.model_validate_json(spec.model_dump_json()) == spec


def test_hashes_ignore_metadata_and_the_order_of_seeds():
    assert spec_hash(parse(name="a", tags=["x"], notes="n")) == spec_hash(parse())
    assert spec_hash(parse(seeds=[1, 2])) == spec_hash(parse(seeds=[2, 1]))
    assert spec_hash(parse(seeds=[1])) != spec_hash(parse(seeds=[2]))
    assert setup_hash(parse(seeds=[1])) == setup_hash(parse(seeds=[2]))
    assert setup_hash(parse(optimizer={"lr": 0.02})) != setup_hash(parse())


def test_hashes_of_specs_that_choose_no_metrics_are_those_of_before_there_was_a_choice():
    spec = parse()
    assert "metrics" not in json.loads(spec.model_dump_json())["evaluation"]
    assert spec_hash(parse(evaluation={"metrics": None})) == spec_hash(spec)


def test_chosen_metrics_are_hashed_whatever_their_order():
    names = ["spectral_radius", "effective_rank"]
    chosen, reversed_choice = (
        parse(evaluation={"metrics": metrics}) for metrics in (names, names[::-1])
    )
    assert spec_hash(chosen) == spec_hash(reversed_choice) != spec_hash(parse())
    assert spec_hash(parse(evaluation={"metrics": []})) != spec_hash(parse())
    assert ExperimentSpec.model_validate_json(chosen.model_dump_json()) == chosen


def test_a_metric_that_is_always_measured_or_given_twice_cannot_be_chosen():
    always = problems_of(evaluation={"metrics": ["fit_error"]})
    assert "'spectral_radius'" in always["/evaluation/metrics/0"].allowed
    twice = problems_of(evaluation={"metrics": ["sharpness", "sharpness"]})
    assert "sharpness is repeated" in twice["/evaluation/metrics"].message


def test_hashes_distinguish_seeds_that_are_equal_as_floats():
    assert spec_hash(parse(seeds=[2**63 - 1])) != spec_hash(parse(seeds=[2**63 - 2]))


def test_all_problems_are_reported_at_once():
    problems = problems_of(
        nmae="x",
        training={"length": 50, "loss": {"kind": "second_moment", "matrix": [[1, 2], [2, 1]]}},
        evaluation={"horizon": 40, "record_at": [10**8]},
        optimizer={"lr": float("nan")},
        seeds=[1, 1],
    )
    assert problems.keys() == {
        "/nmae",
        "/training/loss/matrix",
        "/evaluation/horizon",
        "/optimizer/lr",
        "/seeds",
    }
    assert "did you mean 'name'" in problems["/nmae"].message


@pytest.mark.parametrize(
    ("changes", "pointer", "message"),
    [
        ({"optimizer": {"lr": float("inf")}}, "/optimizer/lr", "finite"),
        ({"optimizer": {"lr": "NaN"}}, "/optimizer/lr", "number"),
        ({"optimizer": {"lr": "0.1"}}, "/optimizer/lr", "number"),
        ({"optimizer": {"steps": 0}}, "/optimizer/steps", "greater than or equal to 1"),
        ({"optimizer": {"kind": "sgd"}}, "/optimizer/kind", "did you mean 'gd'"),
        ({"training": {"length": 0}}, "/training/length", "greater than or equal to 1"),
        ({"training": {"length": 5.5}}, "/training/length", "integer"),
        (
            {"evaluation": {"horizon": 5}},
            "/evaluation/horizon",
            "above training.length = 5",
        ),
        (
            {"evaluation": {"record_at": [20001]}},
            "/evaluation/record_at",
            "at most optimizer.steps = 20000",
        ),
        ({"seeds": []}, "/seeds", "at least 1"),
        ({"seeds": [-1]}, "/seeds/0", "greater than or equal to 0"),
        ({"seeds": [2**63]}, "/seeds/0", "less than or equal to"),
        ({"seeds": True}, "/seeds", "tuple"),
        ({"name": "a\0b"}, "/name", "control characters"),
        ({"tags": ["\x1b[31m"]}, "/tags/0", "control characters"),
        ({"notes": "\x9f"}, "/notes", "control characters"),
        ({"tags": ["a", "a"]}, "/tags", "a is repeated"),
        ({"teacher": {"kind": "grue"}}, "/teacher/kind", "unknown kind"),
        ({"teacher": {}}, "/teacher/kind", "required"),
        ({"teacher": {"kind": "balanced", "dim": 3, "weights": [1, -1, 1]}}, "/teacher", ">= 0"),
        (
            {"teacher": {"kind": "balanced", "dim": 3, "weights": [1, 1]}},
            "/teacher",
            "weights has 2 numbers",
        ),
        (
            {"teacher": {"kind": "explicit", "A": [[1, 2]], "B": [[1]], "C": [[1]]}},
            "/teacher/A",
            "square; it is 1 x 2",
        ),
        (
            {"teacher": {"kind": "explicit", "A": [[1]], "B": [[1], [2]], "C": [[1]]}},
            "/teacher/B",
            "2 x 1",
        ),
        (
            {"teacher": {"kind": "explicit", "A": [[1]], "B": [[1]], "C": [[1, 2]]}},
            "/teacher/C",
            "1 x 2",
        ),
        (
            {"teacher": {"kind": "explicit", "A": [[1, 2], [3]], "B": [[1]], "C": [[1]]}},
            "/teacher/A",
            "equally long",
        ),
        (
            {"student": {"kind": "linear", "dim": 2, "tied": True, "trained": ["B"]}},
            "/student/trained",
            "both B and C",
        ),
        (
            {
                "student": {"kind": "gru", "dim": 4},
                "training": {
                    "length": 2,
                    "loss": {"kind": "finite_sample", "sequences": 8, "noise": 0.1},
                },
            },
            "/training/loss/noise",
            "linear students of linear teachers",
        ),
        (
            {"optimizer": {"kind": "adaptive_gd", "norms": "full"}},
            "/optimizer/norms",
            "diagonal students",
        ),
        (
            {"training": {"length": 2, "loss": {"kind": "finite_sample"}}},
            "/training/loss",
            "either sequences",
        ),
        (
            {"training": {"length": 2, "loss": {"kind": "finite_sample", "inputs": [[1, 2, 3]]}}},
            "/training/loss/inputs",
            "N x 2",
        ),
        (
            {
                "training": {
                    "length": 2,
                    "loss": {"kind": "second_moment", "matrix": [[1, 2], [2, 1]]},
                }
            },
            "/training/loss/matrix",
            "positive semidefinite; its lowest eigenvalue is -1",
        ),
        (
            {
                "training": {
                    "length": 2,
                    "loss": {"covariance": {"kind": "explicit", "matrix": [[1, 2], [0, 1]]}},
                }
            },
            "/training/loss/covariance/matrix",
            "symmetric",
        ),
    ],
)
def test_a_problem_names_its_field_and_the_remedy(changes, pointer, message):
    problems = problems_of(**changes)
    assert problems.keys() == {pointer}
    assert message in str(problems[pointer])


@pytest.mark.parametrize(
    ("start", "structure", "pointer", "message"),
    [
        (
            {"A": [[1]], "B": [[1], [1]], "C": [[1, 1]]},
            "general",
            "/student/start/A",
            "2 x 2 (student.dim)",
        ),
        (
            {"A": [[1, 2], [0, 1]], "B": [[1], [1]], "C": [[1, 1]]},
            "symmetric",
            "/student/start/A",
            "symmetric",
        ),
        (
            {"A": [[1, 2], [0, 1]], "B": [[1], [1]], "C": [[1, 1]]},
            "diagonal",
            "/student/start/A",
            "diagonal",
        ),
        (
            {"A": [[1, 0], [0, 1]], "B": [[1, 1]], "C": [[1, 1]]},
            "general",
            "/student/start/B",
            "2 x 1",
        ),
        ({"A": [[1, 0], [0, 1]], "B": [[1], [1]]}, "general", "/student/start/C", "required"),
    ],
)
def test_an_explicit_start_needs_the_students_shape_and_structure(
    start, structure, pointer, message
):
    problems = problems_of(
        student={
            "kind": "linear",
            "dim": 2,
            "structure": structure,
            "start": {"kind": "explicit", **start},
        }
    )
    assert problems.keys() == {pointer}
    assert message in str(problems[pointer])


def test_balanced_and_tied_students_need_as_many_inputs_as_outputs():
    two_inputs = {"kind": "explicit", "A": [[0.5]], "B": [[1, 2]], "C": [[1]]}
    student = {
        "kind": "linear",
        "dim": 4,
        "tied": True,
        "start": {"kind": "gaussian", "balanced": True},
    }
    assert problems_of(teacher=two_inputs, student=student).keys() == {
        "/student/tied",
        "/student/start/balanced",
    }


keys = st.sampled_from(
    ["kind", "dim", "A", "values", "length", "loss", "matrix", "start", "scale"]
) | st.text(max_size=3)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=4),
    max_leaves=12,
)


@given(part=st.sampled_from([*ExperimentSpec.model_fields]), value=json_values)
def test_any_json_is_parsed_or_explained(part, value):
    """For any JSON the parser raises only validation errors, which can be explained."""
    try:
        spec = ExperimentSpec.model_validate({**MINIMAL, part: value})
    except ValidationError as error:
        problems = explain(error, ExperimentSpec)
        assert problems
        assert all(
            problem.pointer.startswith(f"/{part}") or part in {"training", "teacher", "student"}
            for problem in problems
        )
        json.dumps([problem.__dict__ for problem in problems]).encode("ascii")
    else:
        spec_hash(spec)
