"""Studies: submit them, judge their claims by what is stored, draw their figures."""

from collections.abc import Mapping, Sequence
from functools import cache
from types import MappingProxyType
from typing import Annotated, get_args

from fastapi import APIRouter, Path, Query, Response
from sqlalchemy import Connection
from starlette.convertors import StringConvertor, register_url_convertor

from core.errors import Problem
from core.evidence import Evidence, RunEvidence
from core.figures import STUDY_FIGURES
from core.spec import ExperimentSpec, spec_hash
from core.studies import STUDIES, Size, Study
from service import schemas
from service.context import AppContext, Context
from service.figures import rendering
from service.figures.options import DrawingOptions
from service.http import examples, openapi
from service.http.errors import Missing, NoResultYet, unknown
from service.http.pagination import page
from service.http.parameters import ANONYMOUS, Cursor, Limit, Owner
from service.intake.sweep_expansion import expand
from store.experiments import repository, results
from store.experiments.draft import Options
from store.records import Experiment, Submission
from store.states import State
from store.sweeps import submission as sweep_submission

router = APIRouter(prefix="/v1/studies", tags=["studies"])


class _StudyNameConvertor(StringConvertor):
    """A study's name in a path; ``report`` is the report on all studies."""

    regex = "(?!report$)[^/]+"


register_url_convertor("study", _StudyNameConvertor())

StudyName = Annotated[
    str, Path(description="Name of the study.", json_schema_extra={"enum": [*STUDIES]})
]
StudySize = Annotated[
    Size, Query(description="`quick` takes minutes, `full` has the size of the paper's study.")
]


@router.get(
    "",
    response_model=schemas.Page[schemas.Study],
    response_description="One page of studies.",
    responses=openapi.problems(400),
)
def listing(limit: Limit = 50, cursor: Cursor = None) -> schemas.Page[schemas.Study]:
    """List the studies and their questions."""
    items, next_cursor = page(
        list(STUDIES.values()), lambda study: study.name, limit=limit, cursor=cursor
    )
    return schemas.Page(items=[_describe(study) for study in items], next=next_cursor)


@router.post(
    "/{name:study}",
    status_code=202,
    response_model=schemas.StudySubmission,
    responses={
        202: openapi.answer("Its new experiments are queued.", None, "Retry-After"),
        200: openapi.answer("All its experiments already existed.")
        | {"model": schemas.StudySubmission},
        **openapi.problems(404, 503),
    },
)
def submit(
    name: StudyName,
    context: Context,
    response: Response,
    size: StudySize = "quick",
    owner: Owner = ANONYMOUS,
) -> schemas.StudySubmission:
    """Submit all experiments of a study, each arm as a sweep.

    Existing experiments and sweeps are reused.
    """
    _plan(name, size)
    drafts = {arm: expand(sweep, context).draft for arm, sweep in STUDIES[name].arms(size).items()}
    with context.database.write() as tx:
        submitted = {
            arm: sweep_submission.submit(tx, draft, owner=owner, options=Options())
            for arm, draft in drafts.items()
        }
    experiments: dict[str, Submission] = {}
    for sweep in submitted.values():
        for member in sweep.members:  # an arm reuses what an earlier arm has queued
            experiments.setdefault(member.id, member)
    if all(experiment.reused for experiment in experiments.values()):
        response.status_code = 200
    else:
        response.headers["Retry-After"] = "1"
    return schemas.StudySubmission(
        name=name,
        size=size,
        sweeps=[schemas.StudySweep.from_record(arm, sweep) for arm, sweep in submitted.items()],
        experiments=[schemas.StudyMember.from_record(member) for member in experiments.values()],
        links=_links(name, size),
    )


@router.get(
    "/report",
    response_model=schemas.Page[schemas.ReportSummary],
    responses={200: openapi.answer("One row per study."), **openapi.problems(400, 503)},
)
def reports(
    context: Context, size: StudySize = "quick", limit: Limit = 50, cursor: Cursor = None
) -> schemas.Page[schemas.ReportSummary]:
    """Judge all studies by what is stored.

    Each row has a study's state and how many of its claims hold, fail or were not run.
    """
    items, next_cursor = page(
        list(STUDIES.values()), lambda study: study.name, limit=limit, cursor=cursor
    )
    rows = [
        schemas.ReportSummary.from_report(
            study.title, _report(context, study, size), _links(study.name, size)
        )
        for study in items
    ]
    return schemas.Page(items=rows, next=next_cursor)


@router.get(
    "/{name}/report",
    response_model=schemas.Report,
    responses={200: openapi.answer("The report.", examples.REPORT), **openapi.problems(404, 503)},
)
def report(name: StudyName, context: Context, size: StudySize = "quick") -> schemas.Report:
    """Judge the claims of a study by what is stored.

    A claim that fails is shown as failing.
    """
    _plan(name, size)
    return _report(context, STUDIES[name], size)


@rendering.route(router, "/{name}/figures/{figure}.{format}", 404, 409, 503)
def figure(
    *,
    name: StudyName,
    figure: Annotated[str, rendering.name_parameter(STUDY_FIGURES)],
    drawing: DrawingOptions,
    context: Context,
    size: StudySize = "quick",
) -> Response:
    """Draw a figure of a study's completed experiments."""
    plan, study_figure = _plan(name, size), rendering.choose(STUDY_FIGURES, figure, drawing)
    study = STUDIES[name]
    with context.database.read() as tx:
        evidence = _evidence(tx, _stored(tx, plan), study)
    if not evidence:
        message = "no experiment of this study is completed: submit it, or wait"
        raise NoResultYet(Problem("", "no_result_yet", message))
    return rendering.respond(
        study_figure,
        study_figure.info(study.title, study.panels(size, evidence), evidence),
        drawing,
    )


@cache
def _plan(name: str, size: Size) -> Mapping[str, ExperimentSpec]:
    """The specs of a study by their hashes; raises Missing if there is no such study."""
    if name not in STUDIES:
        raise Missing(unknown("/path/name", "study", name, STUDIES))
    return MappingProxyType({spec_hash(spec): spec for spec in STUDIES[name].experiments(size)})


def _stored(tx: Connection, plan: Mapping[str, ExperimentSpec]) -> list[Experiment]:
    """The stored experiments of a study, in its order."""
    by_hash = repository.by_spec_hash(tx, list(plan))
    return [by_hash[digest] for digest in plan if digest in by_hash]


def _report(context: AppContext, study: Study, size: Size) -> schemas.Report:
    plan = _plan(study.name, size)
    with context.database.read() as tx:
        stored = _stored(tx, plan)
        evidence = _evidence(tx, stored, study)
    claims = [
        schemas.JudgedClaim.from_record(hypothesis) for hypothesis in study.judge(size, evidence)
    ]
    state = schemas.StudyState.from_states(len(plan), [experiment.state for experiment in stored])
    return schemas.Report(name=study.name, size=size, state=state, claims=claims)


def _evidence(tx: Connection, stored: Sequence[Experiment], study: Study) -> list[Evidence]:
    """The completed experiments, with their arrays if the study reads them."""
    return [
        _experiment_evidence(tx, experiment, study)
        for experiment in stored
        if experiment.state is State.COMPLETED
    ]


def _experiment_evidence(tx: Connection, experiment: Experiment, study: Study) -> Evidence:
    has_baselines = experiment.spec.evaluation.baselines
    baselines = results.baselines(tx, experiment.id) if has_baselines else ()
    teacher_response, responses = (
        results.responses(tx, experiment.id) if study.reads_responses else (None, {})
    )
    runs = [
        RunEvidence(
            run.seed, run.outcome, run.steps or 0, dict(run.summary), responses.get(run.seed)
        )
        for run in experiment.runs
        if run.outcome
    ]
    return Evidence(
        spec=experiment.spec,
        experiment_id=experiment.id,
        runs=tuple(runs),
        baselines=tuple(baselines),
        teacher_response=teacher_response,
    )


def _links(name: str, size: Size) -> schemas.StudyLinks:
    return schemas.StudyLinks.for_study(name, size, list(STUDY_FIGURES))


def _describe(study: Study) -> schemas.Study:
    sizes = get_args(Size)
    return schemas.Study(
        name=study.name,
        title=study.title,
        question=study.question,
        experiments={size: len(_plan(study.name, size)) for size in sizes},
        links={size: _links(study.name, size) for size in sizes},
    )
