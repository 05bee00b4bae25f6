"""Shards -> batches for training. The only place of this package that knows torch."""

from f2p_datasets.loaders.batches import PairBatch
from f2p_datasets.loaders.pair_loader import PairLoader

__all__ = ["PairBatch", "PairLoader"]
