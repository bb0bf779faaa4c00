"""Detect the kind of garment that an image shows, its outline and its colour."""
