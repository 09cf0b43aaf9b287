"""Metrics, log lines, the audit trail and traces. Independent of Flask and S3."""
