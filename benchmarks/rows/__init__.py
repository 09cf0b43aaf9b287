"""The rows: each module measures one row; its `run(bench)` returns a section."""
