"""Questions about experiments: one filter language for HTTP, Python and the command line.

text -> :mod:`store.query.parser` -> :mod:`store.query.ast` -> :mod:`store.query.sql` -> rows. What
can be asked about is in :mod:`store.query.fields`, and nowhere else. ``docs/query.md`` teaches the
language.
"""
