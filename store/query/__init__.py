"""The filter language for experiments, shared by HTTP, Python and the command line.

text -> :mod:`store.query.parser` -> :mod:`store.query.ast` -> :mod:`store.query.sql` -> rows.
:mod:`store.query.fields` defines every name of the language; ``docs/query.md`` teaches it.
"""
