"""Conditions that data, networks and versions must meet before the next stage builds on them.

gate.py         a check, passing and failing
limits.py       what a recipe asks
data.py         after every rendered dataset
training.py     after every training
publication.py  before a version may become champion
rescoring.py    a champion scored anew on the held-out set of a new engine build
noise.py        how much a score moves by the seed alone
"""
