"""Process uploads whose object has arrived: inspect it, publish the result, record the image."""
