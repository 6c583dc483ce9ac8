"""The spec language: what an experiment is, in one frozen shape from HTTP body to training argument."""

from core.spec.experiment import METADATA, Evaluation, ExperimentSpec, Name, Notes, Numerics, Tags
from core.spec.explain import explain
from core.spec.hashing import RESULTS_VERSION, setup_hash, spec_hash
from core.spec.optimizer import AdaptiveGradientDescent, GradientDescent, Momentum, Optimizer, Stop
from core.spec.student import ExplicitStart, GaussianStart, IdentityStart, LinearStudent, Start, Student
from core.spec.teacher import (
    BalancedTeacher,
    DelayTeacher,
    ExplicitTeacher,
    ListedEigenvalues,
    MemorylessTeacher,
    RandomTeacher,
    RotationTeacher,
    Teacher,
    UnbalancedTeacher,
    UniformEigenvalues,
    channels,
    states,
)
from core.spec.training import (
    Ar1Covariance,
    ExplicitCovariance,
    FiniteSampleLoss,
    Loss,
    PopulationLoss,
    SecondMomentLoss,
    Training,
)

__all__ = [
    "METADATA",
    "RESULTS_VERSION",
    "AdaptiveGradientDescent",
    "Ar1Covariance",
    "BalancedTeacher",
    "DelayTeacher",
    "Evaluation",
    "ExperimentSpec",
    "ExplicitCovariance",
    "ExplicitStart",
    "ExplicitTeacher",
    "FiniteSampleLoss",
    "GaussianStart",
    "GradientDescent",
    "IdentityStart",
    "LinearStudent",
    "ListedEigenvalues",
    "Loss",
    "MemorylessTeacher",
    "Momentum",
    "Name",
    "Notes",
    "Numerics",
    "Optimizer",
    "PopulationLoss",
    "RandomTeacher",
    "RotationTeacher",
    "SecondMomentLoss",
    "Start",
    "Stop",
    "Student",
    "Tags",
    "Teacher",
    "Training",
    "UnbalancedTeacher",
    "UniformEigenvalues",
    "channels",
    "explain",
    "setup_hash",
    "spec_hash",
    "states",
]
