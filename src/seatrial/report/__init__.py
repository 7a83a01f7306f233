"""Renderers: what people read."""
