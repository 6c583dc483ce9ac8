"""A lab's answers about saved views."""

from datetime import datetime

from extrapolab.models.base import Record


class View(Record):
    """A saved view: a page of the lab and its URL query, under a name."""

    name: str
    page: str
    query: str
    owner: str = ""
    created_at: datetime
    changed_at: datetime
