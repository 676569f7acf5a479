"""Mettler Toledo balances that speak MT-SICS."""
