"""The broker's services, grouped by subject.

`work.py` describes what every service takes and where a transaction ends.
"""
