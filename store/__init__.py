"""The record and the queue of record: SQL tables, the one repository over them, the reaper and the wake-up sender.

Functions take an open transaction (:class:`store.db.database.Database` opens and commits it) and
return frozen values (:mod:`store.records`), never rows. SQLite and PostgreSQL hold the same tables
and run the same code. Never loads torch.
"""
