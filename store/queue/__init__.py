"""The queue of record: claims, scheduling, workers and the dispatcher."""
