"""Tickets: issue, sign, renew and cancel them, reserve their slots, and advise on S3's errors."""
