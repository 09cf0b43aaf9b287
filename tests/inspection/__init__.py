"""The child process of the tests, and what it may use."""

from pathlib import Path

from broker.inspection.confinement import ChildLimits

STUB = Path(__file__).with_name("stub_child.py")
LIMITS = ChildLimits(memory_bytes=2**28, cpu_seconds=5, wall_seconds=10.0, file_bytes=2**20)
