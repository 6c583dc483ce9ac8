"""Every error of the service and the store has an HTTP status."""

import store.errors
from core.errors import ExtrapolabError
from service.http import errors
from service.http.problems import KINDS

BACKUP_ERRORS = {store.errors.BackupRefused, store.errors.BackupDamaged}
NOT_IN_SERVICE = {store.errors.StoreError, store.errors.Fenced, errors.Refusal, *BACKUP_ERRORS}
"""Base classes, and errors that only workers and commands meet."""


def test_every_error_of_service_and_store_has_a_status():
    for module in (store.errors, errors):
        for error in vars(module).values():
            if (
                isinstance(error, type)
                and issubclass(error, ExtrapolabError)
                and error.__module__ == module.__name__
            ):
                assert KINDS.keys() & set(error.__mro__) or error in NOT_IN_SERVICE, error


def test_no_known_error_is_an_internal_one():
    assert all(kind.status < 500 or kind.status in {501, 503} for kind in KINDS.values())
