"""Tools that check a spec, queue it as an experiment, and cancel one."""

from typing import Annotated, Any

from pydantic import Field

from extrapolab.client.lab import Lab
from extrapolab.mcp.reading import theorem_answer
from extrapolab.mcp.tool import ExperimentId, Tool, rounded, shortened

Spec = Annotated[
    dict[str, Any],
    Field(
        description="The experiment. Required: teacher, student.kind, student.dim, "
        "training.length. list_fields has the other fields and their values.",
        examples=[
            {
                "name": "two poles, near zero",
                "tags": ["from-an-agent"],
                "teacher": {
                    "kind": "balanced",
                    "eigenvalues": {"kind": "list", "values": [0.9, -0.5]},
                },
                "student": {
                    "kind": "linear",
                    "dim": 20,
                    "start": {"kind": "gaussian", "scale": 0.001},
                },
                "training": {"length": 6},
                "optimizer": {"kind": "gd", "lr": 0.02, "steps": 5000},
                "evaluation": {"horizon": 40},
                "seeds": 3,
            }
        ],
    ),
]


class CheckSpec(Tool):
    """Check the spec of an experiment without storing or running anything.

    Returns the spec with every default filled in, warnings, the estimated cost (floating-point
    operations, memory and storage in MB) and the main theorem's assumptions. An invalid spec is
    answered with all its mistakes: field, what was given, what is allowed.
    """

    tool = "check_spec"

    spec: Spec

    def run(self, lab: Lab) -> object:
        """Returns the lab's dry run."""
        check = lab.check(self.spec)
        return {
            "spec": shortened(check.spec_json),
            "warnings": check.warnings,
            "cost": rounded(check.cost.model_dump()),
            "theorem": theorem_answer(check.theorem),
        }


class SubmitExperiment(Tool):
    """Queue an experiment; the lab's workers train it. Check it with check_spec first.

    An equal experiment that is queued, running or completed is not computed again: its id is
    returned, and reused is true. read_experiment with wait_seconds waits for the result.
    """

    tool = "submit_experiment"
    changes = True

    spec: Spec
    priority: int = Field(0, description="Higher is sooner.")
    max_seconds: float | None = Field(
        None, gt=0, description="Seconds of training after which it fails."
    )

    def run(self, lab: Lab) -> object:
        """Returns its id and state, and warnings about its spec."""
        experiment = lab.submit(self.spec, priority=self.priority, max_seconds=self.max_seconds)
        record = experiment.record
        answer = {"id": record.id, "reused": experiment.reused, "state": record.state}
        answer |= {"warnings": list(record.warnings)} if record.warnings else {}
        queue = record.queue
        return answer if queue is None else {**answer, "queue": rounded(queue.model_dump())}


class CancelExperiment(Tool):
    """Cancel an experiment that has not ended. A running one ends within seconds.

    Its runs keep their numbers up to then, with the outcome cancelled.
    """

    tool = "cancel_experiment"
    changes = True
    destroys = True

    id: ExperimentId

    def run(self, lab: Lab) -> object:
        """Returns its state, which may still be running."""
        record = lab.experiment(self.id).cancel().record
        return {"id": record.id, "state": record.state, "cancel_requested": record.cancel_requested}
