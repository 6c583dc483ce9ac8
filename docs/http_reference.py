"""The reference of HTTP: an overview, a page for each tag of operations, and one for types."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from formulas import mark  # beside this module
from schema_types import field_table, table, type_in_words

from core.spec import ExperimentSpec, SweepSpec

METHODS = ("get", "post", "patch", "put", "delete")
SPEC = frozenset(
    name
    for model in (ExperimentSpec, SweepSpec)
    for name in (model.__name__, *model.model_json_schema()["$defs"])
)
"""Types that the page on the spec explains."""
SPEC_ANCHORS = {"ExperimentSpec": "an-experiment", "SweepSpec": "a-sweep"}
Operation = Mapping[str, Any]


def pages(document: Mapping[str, Any]) -> dict[str, str]:
    """Every page as Markdown, by its path below ``reference``."""
    tags = {tag["name"]: tag["description"] for tag in document["tags"]}
    written = {f"http/{tag}": tag_page(tag, tags[tag], document) for tag in tags}
    written |= {"http/index": overview(tags, document), "http/types": types(document)}
    return {
        path: page.replace("`docs/query.md`", "[Queries](../../query.md)")
        for path, page in written.items()
    }


def operations(document: Mapping[str, Any]) -> Iterator[tuple[str, str, Operation]]:
    """Method, path and description of every operation."""
    for path, methods in document["paths"].items():
        for method in METHODS:
            if method in methods:
                yield method, path, methods[method]


def overview(tags: Mapping[str, str], document: Mapping[str, Any]) -> str:
    """All calls by their tags, and the problems that any of them may answer with."""
    parts = ["# The HTTP interface", document["info"]["description"]]
    parts.append(
        "[Try the calls](../../try) in a browser, or read the document that these pages "
        "are made of at `/openapi.json`."
    )
    problems: dict[str, list[str]] = {}
    for tag, description in tags.items():
        rows = []
        for method, path, operation in operations(document):
            if tag in operation["tags"]:
                link = f"[{operation['summary']}]({tag}.md#{anchor(operation)})"
                rows.append((call(method, path), link))
            for status, response in operation["responses"].items():
                if status >= "400":
                    kinds = problems.setdefault(status, [])
                    kinds += [k for k in response["description"].split("; ") if k not in kinds]
        parts += [f"## {tag.capitalize()}", description, *table(("call", "what it does"), rows)]
    parts += [
        "## Problems",
        "Errors are `application/problem+json`, a [Problem](types.md#problem).",
    ]
    parts += table(
        ("status", "when"),
        ((f"`{status}`", "; ".join(problems[status])) for status in sorted(problems)),
    )
    return "\n".join(f"{part}\n" if not part.startswith("|") else part for part in parts)


def tag_page(tag: str, description: str, document: Mapping[str, Any]) -> str:
    """The operations of a tag, in full."""
    lines = [f"# {tag.capitalize()}", "", description, ""]
    for method, path, operation in operations(document):
        if tag in operation["tags"]:
            lines += section(method, path, operation)
    return "\n".join(lines)


def section(method: str, path: str, operation: Operation) -> Iterator[str]:
    """One operation: call, parameters, body, answers and examples."""
    yield f"## {operation['summary']} {{#{anchor(operation)}}}\n"
    yield f"{call(method, path)}\n"
    yield mark(operation.get("description", "")) + "\n"
    parameters = [
        (
            f"`{parameter['name']}`",
            parameter["in"],
            type_in_words(parameter.get("schema", {}), link).removesuffix(" or null"),
            parameter_default(parameter),
            mark(parameter.get("description", "")),
        )
        for parameter in operation.get("parameters", ())
    ]
    if parameters:
        yield from table(("parameter", "in", "type", "default", "meaning"), parameters)
    for media_type, content in operation.get("requestBody", {}).get("content", {}).items():
        yield f"**Body**, `{media_type}`: {type_in_words(content.get('schema', {}), link)}\n"
        yield from example(media_type, content)
    for status, response in operation["responses"].items():
        if status < "400":
            yield from answer(status, response)
    problems = sorted(status for status in operation["responses"] if status >= "400")
    codes = ", ".join(f"`{status}`" for status in problems)
    yield f"**Problems**: {codes}; see [what they mean](index.md#problems).\n"


def answer(status: str, response: Mapping[str, Any]) -> Iterator[str]:
    """An answer that is no problem, with its example."""
    content = response.get("content", {})
    kinds = []
    for media_type, body in content.items():
        words = type_in_words(body.get("schema", {}), link)
        plain = media_type != "application/json" or words in {"anything", "text"}
        kinds.append(f"`{media_type.partition(';')[0]}`" if plain else words)
    headers = [f"`{name}`" for name in response.get("headers", {}) if name != "X-Request-Id"]
    yield f"**{status}** {mark(response['description'])} {', '.join(kinds)}".rstrip() + "\n"
    if headers:
        yield f"Headers: {', '.join(headers)}.\n"
    for media_type, body in content.items():
        yield from example(media_type, body)


def example(media_type: str, content: Mapping[str, Any]) -> Iterator[str]:
    """An example, folded if it is long."""
    if "example" not in content:
        return
    is_json = media_type == "application/json"
    given = content["example"]
    text = json.dumps(given, indent=2, ensure_ascii=False) if is_json else str(given).rstrip()
    fence = f"```{'json' if is_json else 'text'}\n{text}\n```\n"
    is_long = text.count("\n") > 24
    yield (
        f'<details markdown="1"><summary>Example</summary>\n\n{fence}\n</details>\n'
        if is_long
        else fence
    )


def parameter_default(parameter: Mapping[str, Any]) -> str:
    default = parameter.get("schema", {}).get("default")
    if parameter.get("required"):
        return "required"
    return "" if default is None else f"`{json.dumps(default, ensure_ascii=False)}`"


def types(document: Mapping[str, Any]) -> str:
    """The fields of everything that bodies and answers are made of."""
    lines = ["# Types of bodies and answers", ""]
    lines += ["Parts of a spec are on [their own page](../spec.md).", ""]
    for name, schema in sorted(
        document["components"]["schemas"].items(), key=lambda item: title(item[0])
    ):
        if name in SPEC:
            continue
        lines += [
            f"## {title(name)} {{#{name.lower()}}}",
            "",
            mark(schema.get("description", "")),
            "",
        ]
        if schema.get("properties"):
            lines += field_table(schema, lambda part: link(part, "" if part not in SPEC else None))
        elif "enum" in schema:
            lines += [type_in_words(schema, link), ""]
    return "\n".join(lines)


def link(name: str, page: str | None = "types.md") -> str:
    """A link to a type; ``page`` is empty on the types' own page."""
    if name in SPEC:
        return f"[{name}](../spec.md#{SPEC_ANCHORS.get(name, name.lower())})"
    return f"[{title(name)}]({page}#{name.lower()})"


def title(name: str) -> str:
    """The name of a type, as people read it."""
    words = re.fullmatch(r"\w*?Page_(\w+)_", name)
    return f"Page of {words[1].replace('_str__Any_', '')}" if words else name


def anchor(operation: Operation) -> str:
    """The anchor of an operation, from what it does."""
    return re.sub(r"[^a-z0-9]+", "-", operation["summary"].lower()).strip("-")


def call(method: str, path: str) -> str:
    """Method and path."""
    return f'<span class="verb {method}">{method.upper()}</span> `{path}`'
