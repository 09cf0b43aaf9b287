"""What the broker does, one verb a module. Each takes a Session and, where needed, the bucket.

No transaction is held open across a call to S3: a service reads, ends the transaction, asks
the bucket, and then changes rows by compare-and-set.
"""
