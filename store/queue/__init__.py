"""The queue of record: scheduling, claims, reports, the reaper, workers and the dispatcher."""
