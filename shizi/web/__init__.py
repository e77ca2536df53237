"""Pages and APIs served from one machine: a server in a thread, and who may ask it."""
