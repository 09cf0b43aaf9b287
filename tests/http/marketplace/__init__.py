"""Ads that users, and ads that services create, edit and delete."""
