"""What `broker dev` runs on one machine: the embedded S3 server and the processes around it."""
