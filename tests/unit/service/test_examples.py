"""The examples in the OpenAPI document are valid and their numbers true."""

import json

import pytest

from core.run import run
from core.spec import ExperimentSpec
from service import schemas
from service.http import examples, table_examples


@pytest.mark.parametrize(
    ("example", "model"),
    [
        (examples.RESULT, schemas.Result),
        (examples.REPORT, schemas.Report),
        (examples.SUBMISSION, schemas.Submission),
        (examples.EXPERIMENT, schemas.Experiment),
        (examples.CANCELLED, schemas.Moved),
        (examples.DRY_RUN, schemas.DryRun),
        (examples.THEOREM, schemas.Theorem),
        (examples.EDIT, schemas.Edit),
        (examples.SWEPT, schemas.SweepSubmission),
        (examples.SWEEP_DRY_RUN, schemas.SweepDryRun),
        (examples.SWEEP, schemas.Sweep),
        (table_examples.SWEEP_TABLE, schemas.SweepTable),
        (table_examples.SWEEP_GRID, schemas.SweepGrid),
        (table_examples.TABLE, schemas.TablePage[schemas.Group]),
    ],
)
def test_an_example_has_its_schema(example, model):
    assert json.loads(model.model_validate(example).model_dump_json(exclude_unset=True)) == example


def test_the_example_spec_yields_the_numbers_of_the_example():
    result = run(ExperimentSpec.model_validate(examples.SPEC))
    (run_result,), (shown,) = result.runs, examples.RESULT["runs"]
    assert result.teacher_response == pytest.approx(examples.RESULT["teacher_response"], rel=1e-3)
    assert (run_result.outcome, run_result.steps) == (shown["outcome"], shown["steps"])
    assert run_result.response == pytest.approx(shown["response"], rel=1e-3)
    assert run_result.summary == pytest.approx(examples.SUMMARY, rel=0.05, abs=1e-12, nan_ok=True)
