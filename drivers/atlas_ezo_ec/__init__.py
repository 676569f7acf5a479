"""Atlas Scientific EZO-EC conductivity circuits over their serial line."""
