"""Engine processes: adapters, preparation, and the keeper that owns a process group and leaves nothing behind."""
