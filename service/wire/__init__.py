"""What travels: answers, and edits. Specs travel as :class:`core.spec.ExperimentSpec`."""

from service.wire.answer import Answer, Number, Page, as_json
from service.wire.comparison import Comparison
from service.wire.edit import Edit
from service.wire.experiment import Experiment
from service.wire.figure import Figure, RecipeChange
from service.wire.foreign import Import, Imported
from service.wire.history import Event, Log, ProgressNews, StateNews
from service.wire.operations import Health, Readiness, Worker, WorkerState
from service.wire.problem import FieldProblem, Problem
from service.wire.question import Cancellation, Cancelled, QueryField
from service.wire.result import Column, Result
from service.wire.study import (
    JudgedClaim,
    Report,
    ReportSummary,
    Study,
    StudyLinks,
    StudyMember,
    StudyState,
    StudySubmission,
    StudySweep,
)
from service.wire.submission import CostEstimate, DryRun, Links, Moved, Submission
from service.wire.sweep import (
    Extension,
    Sweep,
    SweepAxis,
    SweepDryRun,
    SweepGrid,
    SweepLinks,
    SweepMember,
    SweepMoved,
    SweepPoint,
    SweepProgress,
    SweepRow,
    SweepState,
    SweepSubmission,
    SweepSummary,
    SweepTable,
    SweepWarning,
)
from service.wire.table import Group, GroupedRun
from service.wire.theorem import Theorem

__all__ = [
    "Answer",
    "Cancellation",
    "Cancelled",
    "Column",
    "Comparison",
    "CostEstimate",
    "DryRun",
    "Edit",
    "Event",
    "Experiment",
    "Extension",
    "FieldProblem",
    "Figure",
    "Group",
    "GroupedRun",
    "Health",
    "Import",
    "Imported",
    "JudgedClaim",
    "Links",
    "Log",
    "Moved",
    "Number",
    "Page",
    "Problem",
    "ProgressNews",
    "QueryField",
    "Readiness",
    "RecipeChange",
    "Report",
    "ReportSummary",
    "Result",
    "StateNews",
    "Study",
    "StudyLinks",
    "StudyMember",
    "StudyState",
    "StudySubmission",
    "StudySweep",
    "Submission",
    "Sweep",
    "SweepAxis",
    "SweepDryRun",
    "SweepGrid",
    "SweepLinks",
    "SweepMember",
    "SweepMoved",
    "SweepPoint",
    "SweepProgress",
    "SweepRow",
    "SweepState",
    "SweepSubmission",
    "SweepSummary",
    "SweepTable",
    "SweepWarning",
    "Theorem",
    "Worker",
    "WorkerState",
    "as_json",
]
