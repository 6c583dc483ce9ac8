"""Studies: built-in sets of experiments that reproduce a figure or a claim, each with its verdict."""

from collections.abc import Mapping
from types import MappingProxyType

from core.studies.balanced import BalancedStudy
from core.studies.study import Claim, Size, Study, Verdict

__all__ = ["STUDIES", "Claim", "Size", "Study", "Verdict"]

STUDIES: Mapping[str, Study] = MappingProxyType({study.name: study for study in (BalancedStudy(),)})
"""Every study by name."""
