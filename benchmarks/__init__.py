"""Measures the broker beside what people would use instead: `make bench`, docs/benchmarks.md.

Everything is started here, on this machine's loopback interface, and stopped again. Nothing of
the broker imports this package.
"""
