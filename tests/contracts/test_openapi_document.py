"""The HTTP contract, which scripts rely on: paths, parameters and schemas are added, never changed.

``openapi.json`` is the OpenAPI document without its prose. After an addition,
``python -m tests.contracts.test_openapi_document`` rewrites it.
"""

import json
import re
from pathlib import Path
from typing import Any

from service.app import build
from service.settings import Settings

CONTRACT = Path(__file__).with_name("openapi.json")
PROSE = {"summary", "description", "example", "examples"}
NAMES = {"properties", "schemas", "responses", "paths", "headers", "content", "parameters"}
"""Keywords whose keys are names: a property may be called ``description``."""


def without_prose(node: Any, *, names: bool = False) -> Any:
    """The document without the text for readers."""
    if isinstance(node, dict):
        return {
            key: without_prose(value, names=not names and key in NAMES)
            for key, value in node.items()
            if names or (key not in PROSE and not (key == "title" and isinstance(value, str)))
        }
    return [without_prose(item) for item in node] if isinstance(node, list) else node


def document() -> dict[str, Any]:
    contract: dict[str, Any] = without_prose(build(Settings()).openapi())
    contract["tags"] = []
    for operations in contract["paths"].values():
        for operation in operations.values():
            operation.pop("tags", None)
    return json.loads(json.dumps(contract))


def test_the_http_contract_is_unchanged_except_for_its_prose():
    assert document() == json.loads(CONTRACT.read_text())


def test_summaries_are_sentences_and_not_the_names_of_functions():
    """Each is the first line of a docstring, without its full stop."""
    paths = build(Settings()).openapi()["paths"]
    summaries = [
        operation["summary"] for operations in paths.values() for operation in operations.values()
    ]
    for summary in summaries:
        assert re.fullmatch(r"[A-Z][a-z]+ (a|an|the|all|that|its|[^.]*[a-z])\b.*[^.]", summary)
    assert len({*summaries}) == len(summaries)


def test_every_schema_that_is_referred_to_is_there():
    contract = document()
    names = re.findall(r"#/components/schemas/([\w.]+)", json.dumps(contract))
    assert {*names} <= contract["components"]["schemas"].keys()


if __name__ == "__main__":
    CONTRACT.write_text(json.dumps(document(), indent=1, sort_keys=True, ensure_ascii=False) + "\n")
