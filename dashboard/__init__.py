"""The operators pages."""
