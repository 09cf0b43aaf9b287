"""Uppy sessions, and the uploads that a session may handle."""
