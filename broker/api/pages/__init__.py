"""The HTML pages: try-out page, explained errors, reader of the OpenAPI document."""
