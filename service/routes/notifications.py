"""Notifications: ask for the news of what ends, and read how they were delivered."""

from typing import Any

from fastapi import APIRouter, Request

from service import schemas
from service.context import Context
from service.http import body, examples, openapi
from service.http.ids import existing_experiments, existing_sweep
from service.http.parameters import ANONYMOUS, Cursor, Limit, Owner
from service.notifications.targets import origin_of, parse
from store import notifications
from store.notifications import Subject, SubjectKind

router = APIRouter(prefix="/v1/notifications", tags=["notifications"])

EXAMPLE: dict[str, Any] = {"of": examples.ID, "targets": ["ntfys://ntfy.example/my-topic"]}


@router.get(
    "",
    response_model=schemas.Page[schemas.Notification],
    responses={200: openapi.answer("One page."), **openapi.problems(400, 503)},
)
def listing(
    context: Context, limit: Limit = 50, cursor: Cursor = None
) -> schemas.Page[schemas.Notification]:
    """List notifications with how they were delivered, newest first, for 30 days.

    Targets are shown without their secrets.
    """
    with context.database.read() as tx:
        found, next_cursor = notifications.page(tx, limit=limit, cursor=cursor)
    items = [schemas.Notification.from_record(notification) for notification in found]
    return schemas.Page(items=items, next=next_cursor)


@router.post(
    "",
    status_code=202,
    response_model=schemas.Notifications,
    responses={
        202: openapi.answer("They are sent once it has ended."),
        **openapi.problems(400, 404, 409, 413, 415, 503),
    },
    openapi_extra=openapi.body(schemas.NewNotifications, EXAMPLE),
)
def notify(
    request: Request, context: Context, content: body.JsonBody, owner: Owner = ANONYMOUS
) -> schemas.Notifications:
    """Notify targets once an experiment or a sweep has ended, or send them a test message.

    A target is the name of one of the lab's (`EXTRAPOLAB_NOTIFY`), or a URL: of a webhook that
    takes JSON, or of a message service such as `ntfys://`, `slack://` or `mailtos://`. The news of
    what has ended already is sent at once. Equal notifications that are still to be sent are not
    added again. A target gets a message a minute at most, with all the news of that time; after a
    failure it is tried again, up to six times in about an hour.
    """
    wanted = body.parse(content, schemas.NewNotifications)
    targets = parse(wanted.targets, context.settings, lambda place: f"/targets/{place}")
    subject = _subject(context, wanted.of)
    with context.database.write() as tx:
        numbers = notifications.request(
            tx, subject, targets, owner=owner, origin=origin_of(request)
        )
        found, _ = notifications.page(tx, limit=None, numbers=numbers)
    return schemas.Notifications(
        items=[schemas.Notification.from_record(notification) for notification in found]
    )


def _subject(context: Context, text: str) -> Subject:
    if not text:
        return Subject(SubjectKind.TEST)
    if text.startswith("swp_"):
        return Subject.of_id(existing_sweep(context, text, "/of"))
    return Subject.of_id(existing_experiments(context, text, "/of")[0])
