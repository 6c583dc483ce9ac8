"""A whole study through a lab with two slots, to its verdicts, against the loop that one would write first.

python -m benchmarks.study balanced --size full

The loop is measured in part, ``--seconds`` of CPU time for every kind of student and training
length of the study, and multiplied by the steps that the lab's runs took.
"""

import argparse
import time
from collections.abc import Iterable, Mapping

import torch

from benchmarks.lab import Lab, running
from benchmarks.trainer import autograd
from core.spec import ExperimentSpec
from extrapolab import Lab as Client

Kind = tuple[int, int, str, bool]


def kind_of(spec: ExperimentSpec) -> Kind:
    """What the loop's speed depends on."""
    return spec.student.dim, spec.training.length, spec.student.structure, spec.student.tied


def looped(specs: Mapping[Kind, ExperimentSpec], seconds: float) -> dict[Kind, float]:
    """Seed-steps per second of CPU time of the loop."""
    return {kind: autograd(spec)(seconds) for kind, spec in specs.items()}


def reported(
    lab: Lab, name: str, size: str
) -> tuple[float, dict[ExperimentSpec, int], Iterable[str]]:
    """Seconds to the report of the whole study, the seed-steps of each experiment, and the verdicts."""
    begun = time.perf_counter()
    study = Client(lab.url).study(name, size)
    experiments = study.submit()
    while (report := study.report()).state in {"queued", "running"}:
        time.sleep(1)
    seconds = time.perf_counter() - begun
    steps = {
        experiment.spec: sum(run.steps for run in experiment.refresh().runs)
        for experiment in experiments
    }
    return seconds, steps, [claim.verdict for claim in report.claims]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "study", nargs="?", default="balanced", help="one whose students are linear"
    )
    parser.add_argument("--size", choices=["quick", "full"], default="quick")
    parser.add_argument("--seconds", type=float, default=0.5)
    asked = parser.parse_args()
    torch.set_num_threads(1)
    with running(2) as lab:
        seconds, steps, verdicts = reported(lab, asked.study, asked.size)
    rates = looped({kind_of(spec): spec for spec in steps}, asked.seconds)
    loop = sum(count / rates[kind_of(spec)] for spec, count in steps.items())
    trained = sum(steps.values())
    print(
        f"study {asked.study}, {asked.size}: {len(steps)} experiments, {trained:,} seed-steps, "
        f"report after {seconds:.0f} s, {trained / seconds:,.0f} seed-steps/s; {', '.join(verdicts)}"
    )
    print(f"autograd loop: {loop / 3600:.1f} hours of CPU for the same, {loop / seconds:.0f}x as long, "
          f"{loop / 2 / seconds:.0f}x if it used both cores")  # fmt: skip


if __name__ == "__main__":
    main()
