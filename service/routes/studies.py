"""Studies: submitted whole, judged by what is stored, drawn over all their experiments."""

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
from service.figures.rendering import FigureFormat
from service.http import examples, openapi
from service.http.errors import Missing, NoResultYet, unknown
from service.http.pagination import page
from service.http.parameters import ANONYMOUS, Cursor, IfNoneMatch, Limit, Owner
from service.intake.sweep_expansion import expand
from store.experiments import repository as experiments
from store.experiments import results
from store.experiments.submission import Options
from store.records import Experiment, Submission
from store.states import PENDING, State
from store.sweeps import repository as sweeps

router = APIRouter(prefix="/v1/studies", tags=["studies"])


class _StudyNameConvertor(StringConvertor):
    """What a path holds as a study's name; ``report`` is the report on all of them."""

    regex = "(?!report$)[^/]+"


register_url_convertor("study", _StudyNameConvertor())

StudyName = Annotated[
    str, Path(description="Name of the study.", json_schema_extra={"enum": [*STUDIES]})
]
StudySize = Annotated[Size, Query(description="`quick` takes minutes, `full` is the paper's.")]


@router.get("", response_model=schemas.Page[schemas.Study], responses=openapi.problems(400))
def listing(limit: Limit = 50, cursor: Cursor = None) -> schemas.Page[schemas.Study]:
    """List the studies and their questions."""
    items, following = page(
        list(STUDIES.values()), lambda study: study.name, limit=limit, cursor=cursor
    )
    return schemas.Page(items=[_described(study) for study in items], next=following)


@router.post(
    "/{name:study}",
    status_code=202,
    response_model=schemas.StudySubmission,
    responses={
        202: openapi.answer("Its new experiments are queued.", None, "Retry-After"),
        200: openapi.answer("All its experiments were there.") | {"model": schemas.StudySubmission},
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
    """Submit all experiments of a study at once, each arm as a sweep; what is there is reused, the sweeps too."""
    _plan(name, size)
    drafts = {arm: expand(sweep, context).draft for arm, sweep in STUDIES[name].arms(size).items()}
    with context.database.write() as tx:
        arms = {
            arm: sweeps.submit(tx, draft, owner=owner, options=Options())
            for arm, draft in drafts.items()
        }
    unique: dict[str, Submission] = {}
    for arm in arms.values():
        for member in arm.members:  # what an earlier arm queued is there for a later one
            unique.setdefault(member.id, member)
    submitted = list(unique.values())
    if all(submission.reused for submission in submitted):
        response.status_code = 200
    else:
        response.headers["Retry-After"] = "1"
    members = [schemas.StudyMember.from_record(submission) for submission in submitted]
    return schemas.StudySubmission(
        name=name,
        size=size,
        sweeps=[
            schemas.StudySweep.from_record(arm, submission) for arm, submission in arms.items()
        ],
        experiments=members,
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
    """Judge all studies by what is stored: of each, how far it is and how many claims hold, fail or were not run."""
    items, following = page(
        list(STUDIES.values()), lambda study: study.name, limit=limit, cursor=cursor
    )
    rows = [
        schemas.ReportSummary.from_report(
            study.title, _report(context, study, size), _links(study.name, size)
        )
        for study in items
    ]
    return schemas.Page(items=rows, next=following)


@router.get(
    "/{name}/report",
    response_model=schemas.Report,
    responses={200: openapi.answer("The report.", examples.REPORT), **openapi.problems(404, 503)},
)
def report(name: StudyName, context: Context, size: StudySize = "quick") -> schemas.Report:
    """Judge every claim of a study by what is stored; a claim that fails is shown as failing."""
    _plan(name, size)
    return _report(context, STUDIES[name], size)


@rendering.route(router, "/{name}/figures/{figure}.{format}", 404, 409, 503)
def figure(
    *,
    name: StudyName,
    figure: Annotated[str, rendering.name_parameter(STUDY_FIGURES)],
    form: FigureFormat,
    context: Context,
    size: StudySize = "quick",
    if_none_match: IfNoneMatch = None,
) -> Response:
    """Draw a figure of the experiments of a study that are completed."""
    plan, chosen = _plan(name, size), rendering.choose(STUDY_FIGURES, figure, form)
    with context.database.read() as tx:
        evidence = _evidence(tx, _found(tx, plan), STUDIES[name])
    if not evidence:
        raise NoResultYet(
            Problem(
                "", "no_result_yet", "no experiment of this study is completed; submit it, or wait"
            )
        )
    study = STUDIES[name]
    return rendering.respond(
        chosen,
        chosen.info(study.title, study.panels(size, evidence), evidence),
        form,
        if_none_match,
    )


@cache
def _plan(name: str, size: Size) -> Mapping[str, ExperimentSpec]:
    """The experiments of a study by spec hash; raises Missing where there is no such study."""
    if name not in STUDIES:
        raise Missing(unknown("/path/name", "study", name, STUDIES))
    return MappingProxyType({spec_hash(spec): spec for spec in STUDIES[name].experiments(size)})


def _found(tx: Connection, plan: Mapping[str, ExperimentSpec]) -> list[Experiment]:
    """The experiments that are there, in the order of the plan."""
    there = experiments.by_spec_hash(tx, list(plan))
    return [there[digest] for digest in plan if digest in there]


def _report(context: AppContext, study: Study, size: Size) -> schemas.Report:
    plan = _plan(study.name, size)
    with context.database.read() as tx:
        found = _found(tx, plan)
        evidence = _evidence(tx, found, study)
    claims = [schemas.JudgedClaim.from_record(claim) for claim in study.judge(size, evidence)]
    return schemas.Report(name=study.name, size=size, state=_state(len(plan), found), claims=claims)


def _evidence(tx: Connection, found: Sequence[Experiment], study: Study) -> list[Evidence]:
    """The experiments that are completed, with their arrays where the study reads them."""
    return [
        _piece(tx, experiment, study) for experiment in found if experiment.state is State.COMPLETED
    ]


def _piece(tx: Connection, experiment: Experiment, study: Study) -> Evidence:
    reads = study.reads_responses
    teacher_response, responses = results.responses(tx, experiment.id) if reads else (None, {})
    return Evidence(
        spec=experiment.spec,
        experiment_id=experiment.id,
        runs=tuple(
            RunEvidence(
                run.seed, run.outcome, run.steps or 0, dict(run.summary), responses.get(run.seed)
            )
            for run in experiment.runs
            if run.outcome
        ),
        baselines=tuple(results.baselines(tx, experiment.id))
        if experiment.spec.evaluation.baselines
        else (),
        teacher_response=teacher_response,
    )


def _state(wanted: int, found: Sequence[Experiment]) -> schemas.StudyState:
    states = [experiment.state for experiment in found]
    if not states:
        return schemas.StudyState.NOT_STARTED
    if states.count(State.COMPLETED) == wanted:
        return schemas.StudyState.COMPLETED
    if not any(state in PENDING for state in states):
        return schemas.StudyState.INCOMPLETE
    begun = State.RUNNING in states or State.COMPLETED in states
    return schemas.StudyState.RUNNING if begun else schemas.StudyState.QUEUED


def _links(name: str, size: Size) -> schemas.StudyLinks:
    return schemas.StudyLinks.for_study(name, size, list(STUDY_FIGURES))


def _described(study: Study) -> schemas.Study:
    sizes = get_args(Size)
    return schemas.Study(
        name=study.name,
        title=study.title,
        question=study.question,
        experiments={size: len(_plan(study.name, size)) for size in sizes},
        links={size: _links(study.name, size) for size in sizes},
    )
