"""The networks: one spec, one module per framework."""
