"""The form of ``/new``: fields, presets, and the check of a draft."""
