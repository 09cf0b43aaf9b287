"""The upload broker: it issues tickets for direct uploads to S3 and records the uploaded images."""
