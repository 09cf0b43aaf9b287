"""The containers of image files: segments, chunks, blocks and boxes. No pixel is decoded here."""
