"""What happened to uploads and their images, for somebody who answers a user's question."""
