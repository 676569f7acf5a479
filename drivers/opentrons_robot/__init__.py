"""Opentrons OT-2 and Flex liquid handlers over their HTTP API."""
