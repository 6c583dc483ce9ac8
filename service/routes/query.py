"""The filter language's fields."""

from fastapi import APIRouter

from service import schemas
from service.http import openapi
from service.http.pagination import page
from service.http.parameters import Cursor, Limit
from store.query.fields import FIELDS

router = APIRouter(tags=["queries"])


@router.get(
    "/v1/fields",
    response_model=schemas.Page[schemas.QueryField],
    responses={200: openapi.answer("One page."), **openapi.problems(400)},
)
def fields(limit: Limit = 500, cursor: Cursor = None) -> schemas.Page[schemas.QueryField]:
    """List the fields that filters can use, with their types and possible values."""
    items, next_cursor = page(
        list(FIELDS.values()), lambda field: field.name, limit=limit, cursor=cursor
    )
    return schemas.Page(
        items=[schemas.QueryField.from_record(field) for field in items], next=next_cursor
    )
