"""Copies of written points to those who subscribed to them, in the background. `service.py` is the face."""
