"""What the broker does, in rooms by subject.

`work.py` says what every service takes and where a transaction ends.
"""
