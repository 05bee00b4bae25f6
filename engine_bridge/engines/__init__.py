"""The adapters: one folder per engine, with an ``engine.toml`` and whatever runs on the engine's side."""
