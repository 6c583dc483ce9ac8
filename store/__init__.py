"""The lab's records and its queue, in SQL; it never loads torch.

Functions take an open transaction of :class:`store.db.database.Database` and return frozen values
of :mod:`store.records`, never rows. The tables and the code are the same on SQLite and PostgreSQL.
"""
