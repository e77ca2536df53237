"""What is kept of a room and sent on: store, outbox, sinks, crops."""
