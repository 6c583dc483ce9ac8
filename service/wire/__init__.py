"""What travels: answers, and edits. Specs travel as :class:`core.spec.ExperimentSpec`."""

from service.wire.answer import Answer, Number, Page
from service.wire.edit import Edit
from service.wire.experiment import Experiment
from service.wire.history import Event, Log
from service.wire.operations import Health, Readiness, Worker
from service.wire.problem import FieldProblem, Problem
from service.wire.result import Result
from service.wire.study import JudgedClaim, Report, Study, StudyLinks, StudyMember, StudyState, StudySubmission
from service.wire.submission import CostEstimate, DryRun, Links, Moved, Submission

__all__ = [
    "Answer",
    "CostEstimate",
    "DryRun",
    "Edit",
    "Event",
    "Experiment",
    "FieldProblem",
    "Health",
    "JudgedClaim",
    "Links",
    "Log",
    "Moved",
    "Number",
    "Page",
    "Problem",
    "Readiness",
    "Report",
    "Result",
    "Study",
    "StudyLinks",
    "StudyMember",
    "StudyState",
    "StudySubmission",
    "Submission",
    "Worker",
]
