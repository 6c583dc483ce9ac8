"""The HTTP service: reads and writes experiments through the store, and never loads torch."""

import sys

# FastAPI looks at each parameter for models of pydantic 1, and would load that to know: a megabyte.
sys.modules.setdefault("pydantic.v1", None)  # type: ignore[arg-type]  # None: it can't be imported
