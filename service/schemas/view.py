"""Schemas of saved views."""

import re
from typing import Annotated, Self
from urllib.parse import quote

from pydantic import AfterValidator, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from core.spec.bounds import ClientModel
from core.spec.part import Line
from service.address import at
from service.schemas.base import Answer, Time
from store import views

MAX_QUERY = 4000
"""Longest URL query, in characters; servers and proxies take no much longer URL."""

_PAGE = re.compile(r"[a-z]+(:[A-Za-z0-9_.-]+)?")
_QUERY = re.compile(r"[!$-~]*")  # printable ASCII without space, quotation mark and #


def _as_name(given: str) -> str:
    if not views.NAME.fullmatch(given):
        message = "should have no slash, start with no dot or space, and end with no space"
        raise PydanticCustomError("name", message)
    return given


def _as_page(given: str) -> str:
    if not _PAGE.fullmatch(given):
        message = "should be the name of a page such as 'experiments', or 'sweep:' and an id"
        raise PydanticCustomError("page", message)
    return given


def _as_query(given: str) -> str:
    if not _QUERY.fullmatch(given):
        message = "should be percent-encoded, as in a URL, without fragment"
        raise PydanticCustomError("url_query", message)
    return given.removeprefix("?")


ViewName = Annotated[Line, Field(min_length=1, max_length=100), AfterValidator(_as_name)]
ViewPage = Annotated[
    str,
    Field(
        min_length=1,
        max_length=120,
        description="The page that it belongs to: `experiments`, `sweep:` and an id, or another.",
    ),
    AfterValidator(_as_page),
]
UrlQuery = Annotated[
    str,
    Field(max_length=MAX_QUERY, description="The page's URL query, percent-encoded."),
    AfterValidator(_as_query),
]


class NewView(ClientModel):
    """A view to save."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: ViewName
    page: ViewPage
    query: UrlQuery


class ViewChange(ClientModel):
    """New values for fields of a view; fields left out keep theirs."""

    model_config = ConfigDict(frozen=True, extra="forbid", json_schema_extra={"minProperties": 1})

    name: ViewName = ""
    page: ViewPage = ""
    query: UrlQuery = ""

    @model_validator(mode="after")
    def _require_a_change(self) -> Self:
        if not self.model_fields_set:
            raise PydanticCustomError("empty", "should have a name, page or query")
        return self


class ViewLinks(Answer):
    """The URL of a view."""

    self_: str = Field(alias="self")


class View(Answer):
    """A saved view: a page of the lab as its URL query makes it."""

    name: str
    page: str
    query: str
    owner: str
    created_at: Time
    changed_at: Time
    links: ViewLinks

    @classmethod
    def from_record(cls, view: views.View) -> Self:
        """The answer for a saved view."""
        return cls(
            name=view.name,
            page=view.page,
            query=view.query,
            owner=view.owner,
            created_at=view.created_at,
            changed_at=view.changed_at,
            links=ViewLinks(self=at(f"/v1/views/{quote(view.name, safe='')}")),
        )
