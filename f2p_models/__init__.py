"""Networks, losses, training, creation, evaluation, checkpoints. Knows engines, but neither datasets nor flows."""
