"""What is measured: one module a row, each with a `run(bench)` that gives a section."""
