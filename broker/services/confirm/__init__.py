"""Confirm an upload: verify its object, promote it, and record its image."""
