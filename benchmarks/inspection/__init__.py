"""The same work on an image file by the broker, sharp and Pillow, each in a process of its own."""
