"""The science: linear recurrent students trained by gradient descent, and what they do past the training length.

Pure functions of a spec: no SQL, no HTTP, no queue, no clock, no global random state.
The one door is :func:`core.run.run`; a spec is :class:`core.spec.ExperimentSpec`.
Importing this package, its spec, its result or its figures does not load torch.
"""
