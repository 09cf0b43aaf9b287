"""Seeing what happens: metrics, log lines, the audit trail, traces. Knows no Flask and no S3."""
