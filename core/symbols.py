"""Words, symbols and units of spec fields and metrics: the vocabulary of labels and captions."""

from collections import Counter
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True)
class Quantity:
    """A field of the spec, a metric, or an axis along which curves of runs go.

    Attributes:
        words: Its name in a few words.
        symbol: Its symbol; empty if the field has none.
        unit: Its unit; empty if it has none.
        phrase: How a word or a true flag is said, such as ``{} teacher``; empty for ``x = value``.
        absent: What an absent value means; empty if this depends on other fields.
    """

    words: str
    symbol: str = ""
    unit: str = ""
    phrase: str = ""
    absent: str = ""

    @property
    def named(self) -> str:
        """The words with the symbol, such as ``training length k``."""
        return f"{self.words} {self.symbol}".rstrip()

    @property
    def axis(self) -> str:
        """The label of an axis, such as ``training length k (time steps)``."""
        return f"{self.named} ({self.unit})" if self.unit else self.named


_CURVES = {
    "step": Quantity("step", "t"),
    "lag": Quantity("lag", "j", "time steps"),
    "rank": Quantity("rank", "i"),
}

_METRICS = {
    "train_loss": Quantity("training loss", "L"),
    "fit_error": Quantity("fit error"),
    "extrapolation_error": Quantity("extrapolation error"),
    "extrapolation_error_rms": Quantity("extrapolation error (RMS)"),
    "zero_baseline": Quantity("zero baseline"),
    "relative_extrapolation_error": Quantity("extrapolation error / zero baseline"),
    "extrapolation_horizon": Quantity("extrapolation horizon", "", "time steps"),
    "sequence_fit_error": Quantity("fit error on sequences / variance"),
    "sequence_extrapolation_error": Quantity("extrapolation error on sequences / variance"),
    "imbalance": Quantity("imbalance", "|B - Cᵀ|"),
    "invariant_drift": Quantity("drift of the conserved quantity"),
    "spectral_radius": Quantity("spectral radius of A"),
    "spectral_distance": Quantity("distance of the weighted spectra"),
    "effective_rank": Quantity("effective rank of the Hankel singular values"),
    "state_effective_rank": Quantity("effective rank of the states' covariance"),
    "eigenvalue_effective_rank": Quantity("effective rank of the eigenvalues of A"),
    "sharpness": Quantity("sharpness"),
    "gauss_newton_sharpness": Quantity("Gauss-Newton sharpness"),
    "time": Quantity("training time", "τ"),
    "steps_to_fit": Quantity("steps to fit"),
    "time_to_fit": Quantity("training time to fit"),
    "plateaus": Quantity("plateaus of the loss"),
    "plateau_steps": Quantity("longest plateau", "", "steps"),
    "plateau_time": Quantity("longest plateau", "", "training time"),
    "plateau_loss": Quantity("loss of the longest plateau"),
    "flow_distance": Quantity("distance from gradient flow"),
}

_TEACHER = {
    "teacher.kind": Quantity("teacher", phrase="{} teacher"),
    "teacher.dim": Quantity("teacher dimension", "d̂"),
    "teacher.seed": Quantity("seed of the teacher"),
    "teacher.eigenvalues.kind": Quantity("teacher's eigenvalues", phrase="{} eigenvalues"),
    "teacher.eigenvalues.low": Quantity("lower end of the teacher's eigenvalues"),
    "teacher.eigenvalues.high": Quantity("upper end of the teacher's eigenvalues"),
    "teacher.eigenvalues.values": Quantity("teacher's eigenvalues", "λ̂"),
    "teacher.weights": Quantity("teacher's weights", absent="drawn weights"),
    "teacher.gain": Quantity("gain of the teacher"),
    "teacher.lag": Quantity("lag of the teacher", "", "time steps"),
    "teacher.angle": Quantity("angle of the rotation", "", "radians per time step"),
    "teacher.radius": Quantity("radius of the rotation"),
    "teacher.spectral_radius": Quantity("spectral radius of the teacher"),
    "teacher.memory": Quantity("memory of the teacher", "", "time steps", absent="short memory"),
    "teacher.A": Quantity("teacher's A"),
    "teacher.B": Quantity("teacher's B"),
    "teacher.C": Quantity("teacher's C"),
    "teacher.readout.weights": Quantity("weights of the teacher's readout"),
}

_STUDENT = {
    "student.kind": Quantity("student", phrase="{} student"),
    "student.dim": Quantity("student dimension", "d"),
    "student.structure": Quantity("structure of A", phrase="{} student"),
    "student.tied": Quantity("tied student", phrase="tied"),
    "student.trained": Quantity("trained parameters"),
    "student.start.kind": Quantity("start", phrase="{} start"),
    "student.start.scale": Quantity("scale of the start", "s"),
    "student.start.balanced": Quantity("balanced start", phrase="balanced at the start"),
    "student.start.scale_bc": Quantity("scale of B and C at the start"),
    "student.start.gap": Quantity("gap after the first pole at the start"),
    "student.start.gap_bc": Quantity("gap in B and C at the start"),
    "student.start.warm": Quantity("shift of A and B at the start"),
    "student.start.sort_c": Quantity("whether C is sorted at the start"),
    "student.start.fixed": Quantity("entries of B and C at the start", absent="drawn B and C"),
    "student.start.distribution": Quantity("draws of the start", phrase="{} draws of the start"),
    "student.start.generator": Quantity("random generator of the start"),
    "student.start.variance_a": Quantity("variance of A at the start"),
    "student.start.variance_b": Quantity("variance of B at the start"),
    "student.start.variance_c": Quantity("variance of C at the start"),
    "student.start.beyond": Quantity("error past the training length at the start"),
    "student.start.id": Quantity("experiment that gives the start"),
    "student.start.seed": Quantity("seed that gives the start"),
    "student.start.A": Quantity("A at the start"),
    "student.start.B": Quantity("B at the start"),
    "student.start.C": Quantity("C at the start"),
    "student.readout": Quantity("readout", absent="no readout"),
    "student.readout.width": Quantity("width of the readout"),
    "student.readout.layers": Quantity("hidden layers of the readout"),
    "student.readout.scale": Quantity("scale of the readout's start"),
}

_TRAINING = {
    "training.length": Quantity("training length", "k", "time steps"),
    "training.outputs": Quantity("outputs in the loss"),
    "training.loss.kind": Quantity("loss", phrase="{} loss"),
    "training.loss.covariance": Quantity("covariance of the inputs", absent="white inputs"),
    "training.loss.covariance.kind": Quantity("covariance of the inputs", phrase="{} inputs"),
    "training.loss.covariance.rho": Quantity("correlation of the inputs", "ρ"),
    "training.loss.covariance.matrix": Quantity("covariance of the inputs"),
    "training.loss.matrix": Quantity("matrix of the loss", "M"),
    "training.loss.sequences": Quantity("number of sequences", "N", absent="given sequences"),
    "training.loss.distribution": Quantity("distribution of the inputs", phrase="{} inputs"),
    "training.loss.seed": Quantity("seed of the sequences"),
    "training.loss.noise": Quantity("noise on the labels", "σ"),
    "training.loss.inputs": Quantity("input sequences", absent="drawn sequences"),
}

_OPTIMIZER = {
    "optimizer.kind": Quantity("optimizer", phrase="{}"),
    "optimizer.lr": Quantity("learning rate", "η"),
    "optimizer.steps": Quantity("steps of training"),
    "optimizer.time": Quantity("time of gradient flow", "T"),
    "optimizer.momentum": Quantity("momentum", "β"),
    "optimizer.norms": Quantity("gradient norms of the adaptive step", phrase="{} norms"),
    "optimizer.beta": Quantity("decay of the gradient average"),
    "optimizer.betas": Quantity("decays of Adam's averages", "(β₁, β₂)"),
    "optimizer.soft": Quantity("constant in the adaptive step"),
    "optimizer.eps": Quantity("constant in Adam's step", "ε"),
    "optimizer.batch_size": Quantity("batch size", "", "sequences", absent="default batch size"),
    "optimizer.stop": Quantity("stop rule", absent="no early stop"),
    "optimizer.stop.loss_below": Quantity("loss that stops training"),
    "optimizer.stop.more_steps": Quantity("steps after the stop rule is met"),
    "optimizer.schedule.kind": Quantity("schedule", phrase="{} schedule"),
    "optimizer.schedule.floor": Quantity("floor of the schedule"),
    "optimizer.schedule.decay": Quantity("decay of the schedule"),
    "optimizer.schedule.every": Quantity("steps per decay of the schedule"),
    "optimizer.schedule.steps": Quantity("steps of warm-up"),
    "optimizer.rates.A": Quantity("factor on the learning rate of A"),
    "optimizer.rates.B": Quantity("factor on the learning rate of B"),
    "optimizer.rates.C": Quantity("factor on the learning rate of C"),
    "optimizer.rtol": Quantity("relative tolerance of the integration"),
    "optimizer.atol": Quantity("absolute tolerance of the integration"),
}

_EVALUATION = {
    "evaluation.horizon": Quantity("horizon", "q", "time steps"),
    "evaluation.points": Quantity("recorded steps"),
    "evaluation.record_at": Quantity("further recorded steps"),
    "evaluation.fit_tolerance": Quantity("fit tolerance"),
    "evaluation.record": Quantity("recorded arrays"),
    "evaluation.metrics": Quantity("chosen metrics", absent="metrics by their cost"),
    "evaluation.baselines": Quantity("baselines"),
    "evaluation.flow": Quantity(
        "comparison with gradient flow", phrase="compared with gradient flow"
    ),
    "evaluation.sequences": Quantity("sequences that measure the student"),
    "evaluation.seed": Quantity("seed of the evaluation"),
    "seeds": Quantity("seeds"),
    "numerics.dtype": Quantity("floating-point type", phrase="{}"),
    "numerics.device": Quantity("device", phrase="{}"),
}

_SPEC_FIELDS = _TEACHER | _STUDENT | _TRAINING | _OPTIMIZER | _EVALUATION

QUANTITIES = MappingProxyType(_SPEC_FIELDS | _METRICS | _CURVES)
"""By path in the spec, by metric, and by axis of curves."""

_LAST_WORDS = Counter(path.rpartition(".")[2] for path in _SPEC_FIELDS)


def quantity(path: str) -> Quantity:
    """The quantity at a path; one that has no entry is named by its path.

    Example:
        >>> quantity("training.length").axis
        'training length k (time steps)'
        >>> quantity("teacher.taps").named
        'teacher.taps'
    """
    return QUANTITIES.get(path) or Quantity(path if "." in path else path.replace("_", " "))


def axis_label(path: str) -> str:
    """The label of an axis: words, and the symbol and unit if there are any."""
    return quantity(path).axis


def short_name(path: str) -> str:
    """The symbol; without one, the last word of the path if no other path of a spec ends with it.

    Example:
        >>> short_name("training.length"), short_name("optimizer.batch_size")
        ('k', 'batch size')
        >>> short_name("teacher.seed"), short_name("teacher.taps")
        ('teacher.seed', 'teacher.taps')
    """
    if symbol := quantity(path).symbol:
        return symbol
    last = path.rpartition(".")[2]
    return last.replace("_", " ") if _LAST_WORDS[last] == 1 or last == path else path
