"""Measure whole worker processes, with a real bucket and PostgreSQL."""
