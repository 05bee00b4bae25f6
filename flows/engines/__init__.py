"""Engines as a run uses them.

orders.py            which engine, how many; the one table of names
workers.py           processes that render
shard_job.py         what they do for one shard
character_import.py  an engine's characters as files
projects.py, trials.py   a project for the editor; conformance and speed
"""
