"""Requests and answers in the shapes of other services, for their clients."""
