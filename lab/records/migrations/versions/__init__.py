"""One module for each format of the records; `lab.records.migrate` runs them."""
