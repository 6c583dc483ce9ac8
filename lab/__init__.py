"""Running a lab: ``up`` supervises all processes; ``worker`` and ``migrate`` run one part."""
