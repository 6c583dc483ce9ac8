"""The prose of the OpenAPI document: every operation has a summary, every tag a description."""

import pytest
from fastapi.routing import APIRoute, iter_route_contexts

from service.app import build
from service.http.openapi import TAGS
from service.settings import Settings

APP = build(Settings(database_url="sqlite:///never-opened.db"))
OPERATIONS = {
    operation["operationId"]: operation
    for operations in APP.openapi()["paths"].values()
    for operation in operations.values()
}
FUNCTION_NAMES = {
    context.original_route.unique_id: context.name
    for context in iter_route_contexts(APP.routes)
    if isinstance(context.original_route, APIRoute)
}


@pytest.mark.parametrize("operation_id", OPERATIONS)
def test_the_summary_of_an_operation_is_one_sentence(operation_id):
    summary = OPERATIONS[operation_id]["summary"]
    assert len(summary.split()) >= 2
    assert summary[0].isupper()
    assert not summary.endswith(".")
    assert ". " not in summary
    assert summary.lower() != FUNCTION_NAMES[operation_id].replace("_", " ").lower()


def test_every_tag_in_use_has_a_description():
    used = {tag for operation in OPERATIONS.values() for tag in operation["tags"]}
    assert used == {tag["name"] for tag in TAGS}
    assert all(tag["description"] for tag in TAGS)
