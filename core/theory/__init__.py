"""What is known before any training: the moment problem, the theorem's assumptions, the infinitely wide student."""
