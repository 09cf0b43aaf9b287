"""The secrets that tests configure. tests/canaries searches every log for them.

This module imports nothing, so that each of the processes that search starts fast.
"""

SECRET = "a-secret-of-the-tests-alone-0123456789abcdef"  # signs the tokens
BUCKET_SECRET = "the-bucket-s-own-secret-0123456789abcdef"  # of bucket notifications
READER_SECRET = "reader-secret-of-the-tests"  # of the key that reads private files
SERVER_SECRET = "broker-test-secret"  # of the S3 servers
EVERY_SECRET = frozenset({SECRET, BUCKET_SECRET, READER_SECRET, SERVER_SECRET})
