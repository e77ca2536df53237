"""How it is learnt: order, pace, run folder, and a loop a framework."""
