"""Which points are worth trying: acquisitions over a fitted model and the search for their maximum."""
