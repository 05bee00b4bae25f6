"""Pictures of datasets, networks and characters, for reports and cards."""
