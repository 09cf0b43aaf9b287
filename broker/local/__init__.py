"""The processes of `broker dev`: the embedded S3 server, the API and the reaper."""
