"""Benchmarks of the broker and its alternatives: `make bench`, docs/benchmarks.md.

They start every server on the loopback interface and stop it afterwards. The broker never imports
this package.
"""
