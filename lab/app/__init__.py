"""The composition root: the only place that knows all rooms, drivers and simulators, and puts them together."""
