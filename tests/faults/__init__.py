"""Killed processes and stopped servers. After each fault all objects are compared with all rows."""
