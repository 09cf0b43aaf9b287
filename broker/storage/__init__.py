"""The S3 bucket: the calls that the broker makes, the translation of errors, the SigV4 signer."""
