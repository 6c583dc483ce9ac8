"""The worker: a Celery application whose slots claim experiments, train them and record what comes of it.

The only room that joins the science's training to the record. Torch is loaded in the trainer
processes only.
"""
