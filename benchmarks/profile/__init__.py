"""Profile requests: a sampling profiler, and the groups of its stack frames."""
