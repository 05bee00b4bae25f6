"""Engines behind a wire: the protocol of docs/protocol.md, its two ends, and engines that are started and watched.

Where to read what, the outermost first; each layer knows only the ones below it:

    pool             EnginePool: several engines as one EngineBridge (pool_config: how many, how far they are trusted)
    engine_worker    a thread per engine: opens it, works, replaces it; one table says what follows from which error
    pool_state       what the threads share: the job, the run's identity, the budget of restarts (record: the account)
    job, proving     one call of render: what waits, is out, is proven; frames are held until a canary proves them
    truth            the checks: canaries (canary_pictures), lateness (freshness), masks (plausibility)
    engine_sources   where engines come from: started from an adapter (adapters, preparation), or dialling in
    process, keeper  a started engine's process, and the keeper that leaves nothing behind (process_tree, display)
    hub              the door that engines dial (handshake); remote_engine: one of them as an EngineBridge (flight)
    client           the engine's end in Python (session, orders); faults, faulty_wire: an engine that lies for tests
    protocol         the messages and their bytes (messages, fields, pictures, stamps, connection)
"""
