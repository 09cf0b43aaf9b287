"""Multipart uploads: sign parts, list the parts that have arrived, complete."""
