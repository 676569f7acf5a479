"""SOP files: text to a checked procedure, or diagnostics with line and column."""
