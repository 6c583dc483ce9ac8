"""The science: recurrent students trained by gradient descent, past the training length.

Pure functions of a spec: no SQL, no HTTP, no queue, no clock, no global random state.
The entry point is :func:`core.run.run`; a spec is a :class:`core.spec.ExperimentSpec`.
Importing this package, its spec, its result or its figures does not load torch.
"""
