"""The programs beside the broker, each small: what people write who have no broker."""
