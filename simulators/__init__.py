"""The same devices from the other side of the wire, with physics."""
