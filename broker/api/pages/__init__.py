"""The HTML pages: upload page, error page, and reader of the OpenAPI document."""
