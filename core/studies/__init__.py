"""Studies: built-in sweeps that reproduce a figure or a claim of a paper, with a verdict."""

from collections.abc import Mapping
from types import MappingProxyType

from core.studies.approximate import ApproximateStudy
from core.studies.balanced import BalancedStudy
from core.studies.baselines import BaselinesStudy
from core.studies.counterexample import CounterexampleStudy
from core.studies.dimension import DimensionStudy
from core.studies.finite_sample import FiniteSampleStudy
from core.studies.gated import GruStudy, LstmTanhStudy
from core.studies.greedy import GreedyStudy
from core.studies.infinite_width import InfiniteWidthStudy
from core.studies.long_memory import LongMemoryStudy
from core.studies.memoryless import MemorylessStudy
from core.studies.poisoning import PoisoningStudy
from core.studies.saddle import SaddleStudy
from core.studies.start import StartStudy
from core.studies.step_size import StepSizeStudy
from core.studies.study import MUST_FAIL, ClaimKind, Hypothesis, Placebo, Size, Study, Verdict
from core.studies.threshold import ThresholdStudy
from core.studies.unbalanced import UnbalancedStudy

__all__ = [
    "MUST_FAIL",
    "STUDIES",
    "ClaimKind",
    "Hypothesis",
    "Placebo",
    "Size",
    "Study",
    "Verdict",
]

STUDIES: Mapping[str, Study] = MappingProxyType(
    {
        study.name: study
        for study in (
            BalancedStudy(),
            ThresholdStudy(),
            ApproximateStudy(),
            DimensionStudy(),
            UnbalancedStudy(),
            LongMemoryStudy(),
            GruStudy(),
            LstmTanhStudy(),
            MemorylessStudy(),
            InfiniteWidthStudy(),
            StartStudy(),
            SaddleStudy(),
            GreedyStudy(),
            StepSizeStudy(),
            FiniteSampleStudy(),
            PoisoningStudy(),
            CounterexampleStudy(),
            BaselinesStudy(),
        )
    }
)
"""Every study by name, from the main theorem to its limits and the baselines."""
