"""The HTTP contract as others' scripts know it: paths, parameters and schemas may be added, never changed.

``openapi.json`` beside this file is the document without its prose. After an addition, write it anew:
``python -m tests.contracts.test_openapi_document``.
"""

import json
from pathlib import Path
from typing import Any

from service.app import build
from service.settings import Settings

KEPT = Path(__file__).with_name("openapi.json")
PROSE = {"summary", "description", "example", "examples"}
NAMES = {"properties", "schemas", "responses", "paths", "headers", "content", "parameters"}
"""Below these, keys are names and not keywords: a property may be called ``description``."""


def without_prose(node: Any, *, names: bool = False) -> Any:
    """The document without what only people read."""
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


def test_the_http_contract_is_as_it_was_but_for_its_prose():
    assert document() == json.loads(KEPT.read_text())


if __name__ == "__main__":
    KEPT.write_text(json.dumps(document(), indent=1, sort_keys=True, ensure_ascii=False) + "\n")
