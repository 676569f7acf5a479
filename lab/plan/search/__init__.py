"""Plans by construction: dispatching rules, reservation of whole chains, and search by random keys."""
