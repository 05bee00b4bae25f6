"""Many machines: rendering on a Dask cluster, a store that homes share, training in several processes.

fan_out.py           shards as tasks of Prefect's Dask runner; shard_tasks.py, shard_delivery.py
stores.py            finished folders on any URL that fsspec knows; sharing.py fetches and offers them
fitting.py           a training as plain data, so that other processes can carry it out
torchrun.py          ... which PyTorch's launcher starts; training_process.py is one of them
"""
