"""Dry runs: what a submission would be and cost, with nothing stored."""

from dataclasses import replace

from core.spec import ExperimentSpec, setup_hash, spec_hash
from core.spec.sweep import SweepSpec
from service import schemas
from service.context import AppContext
from service.intake.admission import admit
from service.intake.sources import with_source_id
from service.intake.sweep_expansion import expand
from service.intake.theorem import check_theorem
from store.experiments import duplicates, warm_start
from store.queue.eta import lab_time
from store.queue.speed import Work, recent_speed

POINTS = 5
"""Most points in the answer for a sweep."""


def check_spec(spec: ExperimentSpec, context: AppContext) -> schemas.DryRun:
    """The normalised spec, its hashes, warnings, cost and theorem.

    Raises:
        SpecError: Its cost exceeds a limit, or it can't start from its source.
    """
    spec = with_source_id(spec, context)
    cost, warnings = admit(spec, context.settings)
    with context.database.read() as tx:
        warm_start.check(tx, spec)
        time = lab_time(tx, [Work.of(spec)], fresh_seconds=context.settings.lease_seconds)
    return schemas.DryRun(
        spec=spec,
        spec_hash=spec_hash(spec),
        setup_hash=setup_hash(spec),
        warnings=warnings,
        cost=schemas.CostEstimate.from_record(cost, time),
        theorem=check_theorem(spec),
    )


def check_sweep(
    sweep: SweepSpec, context: AppContext, *, rerun: bool = False
) -> schemas.SweepDryRun:
    """The number of experiments, how many the lab has already, their warnings and cost.

    Raises:
        SpecError: A point is invalid, or the cost exceeds a limit.
    """
    expansion = expand(sweep, context)
    points = expansion.draft.points
    with context.database.read() as tx:
        hashes = [point.spec_hash for point in points]
        reused = set() if rerun else duplicates.find_reusable(tx, hashes).keys()
        works = {point.spec_hash: Work.of(point.spec) for point in points}
        time = lab_time(
            tx,
            [work for digest, work in works.items() if digest not in reused],
            fresh_seconds=context.settings.lease_seconds,
        )
        total = recent_speed(tx).total_seconds([*works.values()])
    return schemas.SweepDryRun(
        name=sweep.name,
        count=len(points),
        created=len(points) - len(reused),
        reused=len(reused),
        cost=schemas.CostEstimate.from_record(expansion.cost, replace(time, seconds=total)),
        warnings=expansion.warnings,
        points=points[:POINTS],
    )
