"""Every random draw of a dataset comes from (seed, stream, index), never from the order in which work is done.

Philox is counter-based: the key is a hash of (seed, stream), the counter starts at the index times 2**128. So the
draws for pair *i* are the same whatever the shard size, the number of workers, their order or the machine.
"""

from __future__ import annotations

import hashlib

import numpy as np

from engine_bridge.errors import InputError


def generator(seed: int, index: int, stream: str) -> np.random.Generator:
    """The generator of one draw.

    seed    any integer >= 0; 0 is a seed like every other
    index   what is drawn for: a pair's index, an epoch, a group; an integer >= 0
    stream  the purpose, e.g. ``sampler.uniform``: draws of different streams are independent
    """
    check_seed(seed)
    digest = hashlib.sha256(f"{seed}/{stream}".encode()).digest()
    counter = np.array([0, 0, index, 0], np.uint64)
    return np.random.Generator(np.random.Philox(key=np.frombuffer(digest[:16], np.uint64), counter=counter))


def check_seed(seed: int) -> None:
    """Raise InputError unless it is a seed."""
    if seed < 0:
        raise InputError(f"seed: {seed} is negative; give 0 or more")
