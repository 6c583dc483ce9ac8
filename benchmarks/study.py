"""A study through a lab with two slots, to its verdicts, against the obvious implementation.

python -m benchmarks.study balanced --size full

The autograd loop runs ``--seconds`` of CPU time for each kind of student and training length of the
study; the steps of the lab's runs then give the time of the whole study.
"""

import argparse
import time
from collections.abc import Sequence

import torch

from benchmarks.lab import Lab, running
from benchmarks.trainer import autograd_rate
from core.spec import ExperimentSpec
from extrapolab import Lab as Client

Workload = tuple[int, int, str, bool]


def workload(spec: ExperimentSpec) -> Workload:
    """The parts of a spec that the loop's speed depends on."""
    return spec.student.dim, spec.training.length, spec.student.structure, spec.student.tied


def run_study(
    lab: Lab, name: str, size: str
) -> tuple[float, dict[ExperimentSpec, int], Sequence[str]]:
    """Seconds to the study's report, the seed-steps of each experiment, and the verdicts."""
    started = time.perf_counter()
    study = Client(lab.url).study(name, size)
    experiments = study.submit()
    while (report := study.report()).state in {"queued", "running"}:
        time.sleep(1)
    seconds = time.perf_counter() - started
    steps = {
        experiment.spec: sum(run.steps for run in experiment.refresh().runs)
        for experiment in experiments
    }
    return seconds, steps, [claim.verdict for claim in report.claims]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("study", nargs="?", default="balanced", help="one with linear students")
    parser.add_argument("--size", choices=["quick", "full"], default="quick")
    parser.add_argument("--seconds", type=float, default=0.5)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    with running(2) as lab:
        seconds, steps, verdicts = run_study(lab, arguments.study, arguments.size)
    specs = {workload(spec): spec for spec in steps}
    rates = {key: autograd_rate(spec)(arguments.seconds) for key, spec in specs.items()}
    loop = sum(count / rates[workload(spec)] for spec, count in steps.items())
    total = sum(steps.values())
    print(
        f"study {arguments.study}, {arguments.size}: {len(steps)} experiments, "
        f"{total:,} seed-steps, report after {seconds:.0f} s, "
        f"{total / seconds:,.0f} seed-steps/s; {', '.join(verdicts)}"
    )
    print(
        f"autograd loop: {loop / 3600:.1f} hours of CPU for the same, "
        f"{loop / seconds:.0f}x as long, {loop / 2 / seconds:.0f}x if it used both cores"
    )


if __name__ == "__main__":
    main()
