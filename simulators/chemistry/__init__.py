"""Models of matter: pure functions from composition and conditions to what an instrument sees."""
