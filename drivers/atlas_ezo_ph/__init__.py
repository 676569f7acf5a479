"""Atlas Scientific EZO-pH circuits over their serial line."""
