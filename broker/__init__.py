"""The upload broker: tickets for direct uploads to S3, and the metadata of what arrived."""
