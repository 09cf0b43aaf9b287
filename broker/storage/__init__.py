"""The bucket: what the broker may ask of it, S3's answer to that, and the SigV4 signer."""
