"""Running a lab: ``up`` keeps broker, workers and API alive as children; ``worker`` and ``migrate`` run one part."""
