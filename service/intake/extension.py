"""Extension of a stored sweep by further experiments."""

from service.context import AppContext
from service.intake.admission import default_options
from service.intake.sweep_expansion import Expansion
from store.sweeps import staging, submission
from store.sweeps.repository import Sweep
from store.sweeps.submission import SubmittedSweep


def extend(
    context: AppContext, sweep: Sweep, expansion: Expansion, *, owner: str
) -> SubmittedSweep:
    """Gives a sweep the axes of an expansion, and queues those of its experiments that it lacks.

    Raises:
        NotFound: There is no such sweep.
        SpecError: A new experiment starts from another, and can't.
        StoreUnavailable: The staged extension was abandoned, or the sweep's axes have changed since
            it was read.
    """
    options, draft = default_options(context.settings), expansion.draft
    staged = staging.stage_extension(
        context.database, sweep.id, draft, owner=owner, options=options
    )
    with context.database.write() as tx:
        return submission.extend(
            tx,
            sweep.id,
            draft,
            known_axes=sweep.axes,
            owner=owner,
            options=options,
            staged=staged,
        )
