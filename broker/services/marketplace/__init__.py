"""The marketplace's ads, users, images and avatars."""
