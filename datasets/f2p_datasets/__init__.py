"""What a dataset is on disk: samplers, shards, manifests, loaders; photos and their alignment."""
