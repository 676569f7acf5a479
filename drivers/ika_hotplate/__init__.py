"""IKA hotplate stirrers (RCT, RET, C-MAG) over their NAMUR serial line."""
