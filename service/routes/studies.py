"""Studies: submit them, judge their claims by what is stored, draw their figures."""

from typing import Annotated, get_args

from fastapi import APIRouter, Path, Query, Response
from starlette.convertors import StringConvertor, register_url_convertor

from core.figures import STUDY_FIGURES
from core.studies import STUDIES, Size, Study
from service import schemas
from service.context import AppContext, Context
from service.figures import rendering
from service.figures.options import FigureOptions
from service.http import examples, openapi
from service.http.pagination import page
from service.http.parameters import ANONYMOUS, Cursor, Limit, Owner
from service.intake.admission import default_options
from service.intake.sweep_expansion import expand
from service.notifications.targets import Notify
from service.stored_study import find_study, missing_time, read_study, verdicts, works_of
from store import notifications
from store.notifications import Subject, SubjectKind
from store.queue.eta import eta
from store.records import Submission
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
    *,
    name: StudyName,
    context: Context,
    response: Response,
    notify: Notify,
    size: StudySize = "quick",
    owner: Owner = ANONYMOUS,
) -> schemas.StudySubmission:
    """Submit all experiments of a study, each arm as a sweep.

    Existing experiments and sweeps are reused.
    """
    arms = {arm: expand(sweep, context) for arm, sweep in find_study(name).arms(size).items()}
    with context.database.write() as tx:
        submitted = {
            arm: sweep_submission.submit(
                tx, expansion.draft, owner=owner, options=default_options(context.settings)
            )
            for arm, expansion in arms.items()
        }
        sweep_ids = [sweep.id for sweep in submitted.values()]
        subject = Subject(SubjectKind.STUDY, f"{name}/{size}", sweep_ids)
        notifications.request(tx, subject, notify.targets, owner=owner, origin=notify.origin)
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
        sweeps=[
            schemas.StudySweep.from_record(arm, sweep, arms[arm].warnings)
            for arm, sweep in submitted.items()
        ],
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
            study.title, _report(context, study.name, size), _links(study.name, size)
        )
        for study in items
    ]
    return schemas.Page(items=rows, next=next_cursor)


@router.get(
    "/{name}/sweeps",
    response_model=schemas.Page[schemas.StudyArm],
    responses={200: openapi.answer("One page of its sweeps."), **openapi.problems(400, 404)},
)
def arms(
    name: StudyName, size: StudySize = "quick", limit: Limit = 50, cursor: Cursor = None
) -> schemas.Page[schemas.StudyArm]:
    """Read the sweeps of a study, as they are submitted: to look at, or to change."""
    study = find_study(name)
    items, next_cursor = page(
        list(study.arms(size).items()), lambda item: item[0], limit=limit, cursor=cursor
    )
    answers = [schemas.StudyArm.from_record(study, arm, sweep) for arm, sweep in items]
    return schemas.Page(items=answers, next=next_cursor)


@router.get(
    "/{name}/report",
    response_model=schemas.Report,
    responses={200: openapi.answer("The report.", examples.REPORT), **openapi.problems(404, 503)},
)
def report(name: StudyName, context: Context, size: StudySize = "quick") -> schemas.Report:
    """Judge the claims of a study by what is stored.

    A claim that fails is shown as failing.
    """
    return _report(context, name, size)


@rendering.route(router, "/{name}/figures/{figure}.{format}", 404, 409, 503)
def figure(
    *,
    name: StudyName,
    figure: Annotated[str, rendering.name_parameter(STUDY_FIGURES)],
    requested: FigureOptions,
    context: Context,
    size: StudySize = "quick",
) -> Response:
    """Draw a figure of a study's completed experiments."""
    find_study(name)  # first: an unknown study has no figures
    chosen = rendering.choose(STUDY_FIGURES, figure, requested)
    with context.database.read() as tx:
        study = read_study(tx, name, size)
    return rendering.respond(chosen, study.figure_data(figure), requested)


def _report(context: AppContext, name: str, size: Size) -> schemas.Report:
    with context.database.read() as tx:
        judged = verdicts(tx, name, size)
        fresh_seconds = context.settings.lease_seconds
        ends = eta(tx, judged.experiment_ids, fresh_seconds=fresh_seconds)
        missing = missing_time(tx, name, size, fresh_seconds=fresh_seconds)
    claims = [schemas.JudgedClaim.from_record(claim) for claim in judged.claims]
    state = schemas.StudyState.from_states(judged.expected, judged.states)
    return schemas.Report(
        name=name,
        size=size,
        state=state,
        eta_seconds=ends.seconds,
        missing_seconds=missing.lab_seconds,
        claims=claims,
    )


def _links(name: str, size: Size) -> schemas.StudyLinks:
    return schemas.StudyLinks.for_study(name, size, list(STUDY_FIGURES))


def _describe(study: Study) -> schemas.Study:
    sizes = get_args(Size)
    return schemas.Study(
        name=study.name,
        title=study.title,
        question=study.question,
        experiments={size: len(works_of(study, size)) for size in sizes},
        links={size: _links(study.name, size) for size in sizes},
    )
