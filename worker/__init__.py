"""The worker: a Celery application whose slots claim, train and record experiments.

Only this package joins the training of core to the store. Only its trainer processes load torch.
"""
