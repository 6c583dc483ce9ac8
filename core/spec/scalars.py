"""The scalar fields of the spec, read off its models."""

import types
import typing
from collections.abc import Iterator
from functools import cache
from typing import Any

from pydantic import BaseModel

from core.spec.experiment import METADATA, ExperimentSpec


def scalar_fields(
    model: type[BaseModel] = ExperimentSpec, path: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Yields path and type of the fields of a model and of the models in it.

    Metadata and seeds are left out. A field that several models share comes once for each.
    """
    for name, info in model.model_fields.items():
        if not path and (name in METADATA or name == "seeds"):
            continue
        for annotation in _union_members(info.annotation):
            if isinstance(annotation, type) and issubclass(annotation, BaseModel):
                yield from scalar_fields(annotation, (*path, name))
            else:
                yield (*path, name), annotation


@cache
def whole_fields() -> frozenset[str]:
    """The paths of the fields that take only whole numbers.

    Example:
        >>> "training.length" in whole_fields(), "optimizer.lr" in whole_fields()
        (True, False)
    """
    kinds: dict[str, set[Any]] = {}
    for path, annotation in scalar_fields():
        kinds.setdefault(".".join(path), set()).add(annotation)
    return frozenset(path for path, of in kinds.items() if of - {type(None)} == {int})


def _union_members(annotation: Any) -> Iterator[Any]:
    origin = typing.get_origin(annotation)
    if origin is typing.Annotated:
        yield from _union_members(typing.get_args(annotation)[0])
    elif origin in {typing.Union, types.UnionType}:
        for member in typing.get_args(annotation):
            yield from _union_members(member)
    else:
        yield annotation
