"""A spec on its way to become an experiment: hashed and written out before the transaction that stores it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from core.spec import METADATA, ExperimentSpec, hashes


@dataclass(frozen=True)
class Draft:
    """What :func:`store.experiments.repository.submit` stores.

    Attributes:
        spec: What to run.
        spec_hash: Its name.
        setup_hash: Its name without seeds.
        content: The spec as JSON, without name, tags and notes.
    """

    spec: ExperimentSpec
    spec_hash: str
    setup_hash: str
    content: Mapping[str, Any]

    @classmethod
    def of(cls, spec: ExperimentSpec) -> Self:
        """The draft of a spec.

        Of a large one it takes seconds, which no write should hold the database for.
        """
        setup_hash, spec_hash = hashes(spec)
        return cls(spec, spec_hash, setup_hash, spec.model_dump(mode="json", exclude=set(METADATA)))
