"""Examples of a sweep's refinement."""

from service import schemas
from service.http.examples import OTHER_ID, SWEEP_ID, Json

REFINEMENT: Json = {"axis": "training.length", "where": schemas.DEFAULT_VERDICT}
REFINED: Json = schemas.SweepRefinement(
    id=SWEEP_ID,
    axis="training.length",
    where=schemas.DEFAULT_VERDICT,
    scale="linear",
    tolerance=1.0,
    judged=4,
    holding=2,
    left_out=0,
    located=0,
    brackets=[
        schemas.SweepBracket(
            coordinates={"student.start.scale": 0.001},
            low=schemas.SweepSide(value=3, holds=False, experiment=OTHER_ID, fitted=3, seeds=3),
            high=schemas.SweepSide(value=9, holds=True, experiment=OTHER_ID, fitted=3, seeds=3),
            located=False,
            middle=6,
            blocked_by=None,
        )
    ],
    created=1,
    reused=0,
    state=schemas.SweepState.RUNNING,
    warnings=[],
    links=schemas.SweepLinks.for_sweep(SWEEP_ID),
).model_dump(mode="json")
