"""``/new``: a form for an experiment or a sweep, checked while it is typed."""

import json
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import HTMLResponse
from pydantic import ConfigDict, Field, ValidationError

from core.errors import Problem
from core.spec.bounds import ClientModel
from core.spec.paths import flatten, set_at, value_at
from service.context import Context
from service.http import body
from service.http.errors import Invalid, unknown
from service.http.ids import complete_id
from service.pages.frame.readout import readout
from service.pages.frame.rendering import fragment, page
from service.pages.marks.teacher_chart import teacher_chart
from service.pages.spec_form.draft import check as check_draft
from service.pages.spec_form.form import sections
from service.pages.spec_form.presets import PRESETS
from store.experiments import repository as experiments
from store.records import Experiment

router = APIRouter(include_in_schema=False, prefix="/new")


@router.get("")
def new(
    request: Request,
    context: Context,
    origin: Annotated[str | None, Query(alias="from", min_length=1, max_length=100)] = None,
    preset: Annotated[str | None, Query(max_length=100)] = None,
) -> HTMLResponse:
    """Show the form, filled with a preset or with the spec of an experiment."""
    if preset is not None and preset not in PRESETS:
        raise Invalid(unknown("/query/preset", "preset", preset, PRESETS))
    source = None
    with context.database.read() as tx:
        now = readout(tx, context)
    if origin is not None:
        source_id = complete_id(context, origin, "/query/from")
        with context.database.read() as tx:
            source = experiments.get(tx, source_id)
    chosen = preset or next(iter(PRESETS))
    spec = dict(PRESETS[chosen].spec) if source is None else _given(source)
    return page(
        request,
        "new.html",
        readout=now,
        sections=sections(),
        presets=PRESETS,
        preset=None if source else chosen,
        source=source,
        spec=json.dumps(spec, ensure_ascii=False, indent=2),
        **_panel(json.dumps(spec), context),
    )


class Text(ClientModel):
    """A spec or sweep as text."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    text: str = Field(max_length=2_000_000)


@router.post("/check")
def check(content: body.JsonBody, context: Context) -> Response:
    """Check a spec or sweep as it is typed: its content, its problems, and what the page shows.

    Problems are the answer here, not an error.
    """
    panel = _panel(body.parse(content, Text).text, context)
    draft = panel["draft"]
    answer = {
        "content": draft.content,
        "problems": [
            {"pointer": problem.pointer, "message": _sentence(problem)}
            for problem in draft.problems
        ],
        "panel": fragment("new_panel.html", **panel),
    }
    return Response(_to_json(answer), media_type="application/json")


def _panel(text: str, context: Context) -> dict[str, Any]:
    """The values of the panel's template."""
    draft = check_draft(text, context)
    chart = None if draft.teacher is None else teacher_chart(draft.teacher, draft.length)
    return {"draft": draft, "chart": chart}


def _given(experiment: Experiment) -> dict[str, Any]:
    """The spec of an experiment without what is default anyway."""
    try:
        spec = experiment.spec.model_dump(mode="json", exclude_defaults=True)
    except ValidationError:  # written by a version with another language
        return dict(experiment.content)
    for path, kind in flatten(experiment.content):
        parent, _, name = path.rpartition(".")
        if name == "kind" and value_at(spec, parent) is not None:  # a kind's own default, perhaps
            set_at(spec, path, kind)
    if spec.get("seeds") == list(range(len(spec.get("seeds", [])))):
        spec["seeds"] = len(spec["seeds"])
    return spec


def _sentence(problem: Problem) -> str:
    """A problem without its place."""
    allowed = f"; allowed: {problem.allowed}" if problem.allowed else ""
    return f"{problem.message}{allowed}"


def _to_json(answer: Any) -> str:
    """JSON in ASCII: texts may have dates, infinities and half a surrogate pair."""
    plain = json.loads(json.dumps(answer, default=str), parse_constant=str)
    return json.dumps(plain)
