"""Engines behind a wire: the protocol of docs/protocol.md, its two ends, and engines that are started and watched.

Where to read what, the outermost first; each layer knows only the ones below it:

    pool/         EnginePool (pool.py), several engines as one EngineBridge: a thread per engine (engine_worker) takes
                  from one call of render (job) and hands frames out once a canary after them was right (proving, truth)
    processes/    starting an engine: its adapter, the prepared project, the keeper that leaves nothing behind
    bridge_end/   the hub that engines dial, and each of them as an EngineBridge (remote_engine), its replies verified
    engine_end/   the engine's end in Python (client), and an engine that lies for tests (faults)
    wire/         messages and their bytes; pictures, stamps, one connection
"""
