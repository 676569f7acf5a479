"""The whole lab under deterministic faults: one seed, one story; see docs/explanation/reliability.md."""
