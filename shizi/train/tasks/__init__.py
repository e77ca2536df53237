"""What is learnt: samples, batches, losses and figures of each network."""
