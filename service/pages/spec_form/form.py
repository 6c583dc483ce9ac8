"""A spec as a form: its fields as the JSON Schema has them, with words and symbols.

A field of one kind of a part, such as the gain of a memoryless teacher, carries the conditions
under which it is shown: the kinds that have it. Fields that kinds share are one field.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from types import MappingProxyType
from typing import Any

from core.labels import value_words
from core.spec import ExperimentSpec
from core.symbols import quantity

Json = Mapping[str, Any]
Conditions = Mapping[str, frozenset[str]]
"""For paths of kinds, the kinds that have a field."""

SECTIONS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "teacher": ("teacher",),
        "student": ("student",),
        "training": ("training",),
        "optimizer": ("optimizer",),
        "evaluation": ("evaluation", "seeds", "numerics"),
    }
)
"""The parts of the spec in each section of the form."""

_SHOWN = frozenset({"evaluation.horizon", "seeds"})
_RARE = re.compile(
    r"teacher\.(seed|weights|readout)"
    r"|student\.(tied|trained|readout|start\.(balanced|gap|fixed|warm$|distribution|generator))"
    r"|training\.(outputs|loss\.(covariance|seed|distribution))"
    r"|optimizer\.(stop|schedule|rates|batch_size|eps|soft|rtol|atol)"
    r"|evaluation|numerics"
)
"""Fields that few experiments set, apart from those that are shown."""


@dataclass(frozen=True)
class Field:
    """A field of the form.

    Attributes:
        path: Its path in the spec.
        control: ``number``, ``whole``, ``text``, ``numbers`` (a list), ``matrix``, ``choice``,
            ``flag``, or ``set`` (some of its options).
        words: Its name.
        symbol: Its symbol; empty if it has none.
        title: Its explanation.
        default: What holds if it is left empty; of a choice or flag, one of its options. Empty if
            there is none.
        options: Each option of a choice, flag or set, with its words.
        rare: Whether it is behind "more".
        when: The conditions under which it is shown.
    """

    path: str
    control: str
    words: str
    symbol: str
    title: str
    default: str
    options: tuple[tuple[str, str], ...]
    rare: bool
    when: Conditions

    @property
    def is_required(self) -> bool:
        """Whether it has no default."""
        return not self.default and self.control not in {"choice", "flag"}

    @property
    def can_vary(self) -> bool:
        """Whether it can be an axis of a sweep."""
        return self.control in {"number", "whole", "choice", "flag"}


@dataclass(frozen=True)
class Section:
    """A section of the form, with sentences on the kinds that its parts have."""

    name: str
    fields: tuple[Field, ...]
    notes: tuple[tuple[Conditions, str], ...]


@cache
def sections() -> tuple[Section, ...]:
    """The sections for an experiment's spec."""
    schema = ExperimentSpec.model_json_schema()
    made = []
    for section, names in SECTIONS.items():
        walk = _Walk(schema["$defs"])
        fields: list[Field] = []
        for name in names:
            required = name in schema["required"]
            fields += walk.fields(name, schema["properties"][name], required, {})
        made.append(Section(section, _merged(fields), tuple(walk.notes)))
    return tuple(made)


class _Walk:
    """Goes through a JSON Schema and makes the fields of a form."""

    def __init__(self, definitions: Json) -> None:
        self.definitions = definitions
        self.notes: list[tuple[Conditions, str]] = []

    def fields(self, path: str, given: Json, required: bool, when: Conditions) -> list[Field]:
        """The fields at a path and below it."""
        alternatives = [part for part in given.get("anyOf", ()) if part.get("type") != "null"]
        is_nullable = len(alternatives) < len(given.get("anyOf", ()))
        schema = alternatives[0] if is_nullable else given
        if "$ref" in schema:
            schema = self._definition(schema["$ref"])
        if "discriminator" in schema:
            return list(self._kinds(path, schema, given, is_nullable, when))
        if schema.get("type") != "object":
            return [_field(path, schema, given, required, when)]
        first, *others = self._properties(path, schema, when)
        if is_nullable:  # the first one that is filled in makes the part
            absent = quantity(path).absent or "none"
            first = replace(first, default=absent, rare=bool(_RARE.match(path)))
        return [first, *others]

    def _definition(self, reference: str) -> Json:
        definition: Json = self.definitions[reference.rpartition("/")[2]]
        return definition

    def _properties(self, path: str, schema: Json, when: Conditions) -> Iterator[Field]:
        """The fields of an object."""
        for name, given in schema["properties"].items():
            if name != "kind":
                required = name in schema.get("required", ())
                yield from self.fields(f"{path}.{name}", given, required, when)

    def _kinds(
        self, path: str, schema: Json, given: Json, is_nullable: bool, when: Conditions
    ) -> Iterator[Field]:
        """The choice of a kind, and the fields of each kind."""
        kind_path = f"{path}.kind"
        kinds = {each["$ref"]: self._kinds_of(each["$ref"]) for each in schema["oneOf"]}
        options = [(kind, value_words(kind)) for of in kinds.values() for kind in of]
        if is_nullable:
            options = [("", quantity(path).absent or "none"), *options]
        default = (given.get("default") or {}).get("kind", "")
        is_rare = bool(_RARE.match(path))
        yield Field(
            kind_path, "choice", _words(kind_path), "", "", default, tuple(options), is_rare, when
        )
        for reference, of in kinds.items():
            definition, inner = self._definition(reference), {**when, kind_path: frozenset(of)}
            if not is_rare:
                self.notes.append((inner, _sentence(definition.get("description", ""))))
            yield from self._properties(path, definition, inner)

    def _kinds_of(self, reference: str) -> list[str]:
        kind = self._definition(reference)["properties"]["kind"]
        return [kind["const"]] if "const" in kind else list(kind["enum"])


def _field(path: str, schema: Json, given: Json, required: bool, when: Conditions) -> Field:
    """A field with a value of its own."""
    title = _sentence(given.get("description", ""))
    control, options = _control(schema)
    default = "" if required else _default(path, given.get("default"), title)
    is_rare = not required and path not in _SHOWN and bool(_RARE.match(path))
    symbol = quantity(path).symbol
    return Field(path, control, _words(path), symbol, title, default, options, is_rare, when)


def _control(schema: Json) -> tuple[str, tuple[tuple[str, str], ...]]:
    match schema:
        case {"enum": names}:
            return "choice", tuple((name, value_words(name)) for name in names)
        case {"type": "boolean"}:
            return "flag", (("true", "yes"), ("false", "no"))
        case {"type": "array", "items": {"enum": names}}:
            return "set", tuple((name, value_words(name)) for name in names)
        case {"type": "array", "items": {"items": _}}:
            return "matrix", ()
        case {"type": "array"} | {"anyOf": _}:  # numbers, or a number of seeds
            return "numbers", ()
        case {"type": "integer"}:
            return "whole", ()
        case {"type": "number"}:
            return "number", ()
        case _:
            return "text", ()


def _default(path: str, default: object, title: str) -> str:
    """The meaning of an empty field, in a few words."""
    stated = re.search(r"Default: (.+?)\.$", title)
    match default:
        case _ if stated:
            return stated[1]
        case None | []:
            return quantity(path).absent or "none"
        case list() if path == "seeds":
            return str(len(default))
        case list():
            return ", ".join(map(str, default))
        case bool():
            return "true" if default else "false"
        case int() | float():
            return f"{default:.6g}".replace("e-0", "e-")
        case _:
            return str(default)


def _words(path: str) -> str:
    """The name of a field below the heading of its section, which need not be said again."""
    part, _, name = path.partition(".")
    if name in {"", "kind"}:
        return name or part
    known = quantity(path).words
    words = name.replace("_", " ").replace(".", ", ") if known == path else known
    return re.sub(rf" of the {part}\b(?!')|\b(the )?{part}('s)? | at the start$", "", words)


def _sentence(description: str) -> str:
    """The first paragraph of a description, without marks of code."""
    return " ".join(description.partition("\n\n")[0].replace("``", "").split())


def _merged(fields: Iterable[Field]) -> tuple[Field, ...]:
    """The fields, with those that differ only in the kinds of one condition as one."""
    merged: list[Field] = []
    for field in fields:
        for at, other in enumerate(merged):
            when = _union(other, field)
            if when is not None:
                merged[at] = replace(other, when=when)
                break
        else:
            merged.append(field)
    return tuple(merged)


def _union(one: Field, other: Field) -> Conditions | None:
    """The conditions of two fields as one; None if they are not alike."""
    if replace(one, when={}) != replace(other, when={}) or one.when.keys() != other.when.keys():
        return None
    differing = [path for path in one.when if one.when[path] != other.when[path]]
    if len(differing) > 1:
        return None
    return {**one.when, **{path: one.when[path] | other.when[path] for path in differing}}
