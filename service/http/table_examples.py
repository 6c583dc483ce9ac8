"""Examples of tables in the OpenAPI document."""

from service.http.examples import EXPERIMENT, ID, OTHER_ID, SPEC, Json

SWEEP_TABLE: Json = {
    "rows": [
        {
            "coordinates": {"training.length": 2, "student.start.scale": 0.01},
            "experiment": ID,
            "state": "completed",
            "seeds": 1,
            "fitted": 1,
            "diverged": 0,
            "metrics": {"relative_extrapolation_error": {"median": 9.524e-06}},
        }
    ]
}
SWEEP_TABLE_CSV = (
    "training.length,student.start.scale,experiment,state,seeds,fitted,diverged,"
    "relative_extrapolation_error.median\r\n"
    f"2,0.01,{ID},completed,1,1,0,9.524e-06\r\n"
)
_cell = dict.fromkeys(("seeds", "fitted", "diverged", "missing"), 0)
SWEEP_GRID: Json = {
    "rows": {"path": "student.start.scale", "values": [0.01, 0.1]},
    "columns": {"path": "training.length", "values": [2]},
    "states": [["completed"], ["queued"]],
    "fitted": [[1], [0]],
    "seeds": [[1], [0]],
    "metrics": {"relative_extrapolation_error": {"median": [[9.524e-06], ["NaN"]]}},
    "cells": [
        [{**_cell, "experiments": [ID], "states": {"completed": 1}, "seeds": 1, "fitted": 1}],
        [{**_cell, "experiments": [OTHER_ID], "states": {"queued": 1}, "missing": 1}],
    ],
}
SWEEP_GRID_CSV = (
    "student.start.scale,metric,statistic,training.length = 2\r\n"
    "0.01,relative_extrapolation_error,median,9.524e-06\r\n"
)
_numbers = dict.fromkeys(("median", "q1", "q3", "mean", "min", "max"), 9.524e-06)
TABLE: Json = {
    "items": [
        {
            "by": {"training.length": 2},
            "experiments": 1,
            "newest": ID,
            "name": SPEC["name"],
            "seeds": 1,
            "fitted": 1,
            "diverged": 0,
            "missing": 0,
            "states": {"completed": 1},
            "created": EXPERIMENT["created_at"],
            "metrics": {"relative_extrapolation_error": {**_numbers, "standard_error": "NaN"}},
        }
    ],
    "next": None,
}
TABLE_CSV = (
    "training.length,experiments,newest,name,seeds,fitted,diverged,"
    "relative_extrapolation_error.median\r\n"
    f"2,1,{ID},{SPEC['name']},1,1,0,9.524e-06\r\n"
)
