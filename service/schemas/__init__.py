"""Schemas of request bodies and answers. A spec is :class:`core.spec.ExperimentSpec` itself."""

from service.schemas.base import Answer, Number, Page, to_json
from service.schemas.bulk import (
    Cancellation,
    Cancelled,
    Changed,
    Prioritisation,
    Priority,
    Selection,
    Tagging,
)
from service.schemas.comparison import ComparedExperiment, Comparison, FieldDifference
from service.schemas.edit import Edit
from service.schemas.experiment import Experiment, ExperimentPage
from service.schemas.figure import Figure, RecipeChange
from service.schemas.history import Event, Log, ProgressEvent, StateEvent, WorkerEvent
from service.schemas.imports import Import, Imported
from service.schemas.operations import Health, Notice, Notices, Readiness, Worker
from service.schemas.problem import FieldProblem, Problem
from service.schemas.query import QueryField
from service.schemas.queue import DeviceQueue, Queue, QueuedExperiment
from service.schemas.result import (
    Column,
    ExperimentSeries,
    Result,
    SeriesColumns,
    SeriesStatistics,
)
from service.schemas.study import (
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
from service.schemas.submission import CostEstimate, DryRun, Links, Moved, Submission
from service.schemas.sweep import (
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
from service.schemas.table import Group, GroupedRun, TablePage, TableRun
from service.schemas.teacher import TeacherPreview, TeacherQuestion
from service.schemas.theorem import Theorem
from service.schemas.view import NewView, View, ViewChange, ViewPage

__all__ = [
    "Answer",
    "Cancellation",
    "Cancelled",
    "Changed",
    "Column",
    "ComparedExperiment",
    "Comparison",
    "CostEstimate",
    "DeviceQueue",
    "DryRun",
    "Edit",
    "Event",
    "Experiment",
    "ExperimentPage",
    "ExperimentSeries",
    "Extension",
    "FieldDifference",
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
    "NewView",
    "Notice",
    "Notices",
    "Number",
    "Page",
    "Prioritisation",
    "Priority",
    "Problem",
    "ProgressEvent",
    "QueryField",
    "Queue",
    "QueuedExperiment",
    "Readiness",
    "RecipeChange",
    "Report",
    "ReportSummary",
    "Result",
    "Selection",
    "SeriesColumns",
    "SeriesStatistics",
    "StateEvent",
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
    "TablePage",
    "TableRun",
    "Tagging",
    "TeacherPreview",
    "TeacherQuestion",
    "Theorem",
    "View",
    "ViewChange",
    "ViewPage",
    "Worker",
    "WorkerEvent",
    "to_json",
]
