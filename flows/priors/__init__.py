"""Facial priors (Shi et al., TPAMI, section 3.5): fitted on created faces of front views.

fitting.py   the stage
faces.py     the created faces as a table
files.py     whose priors a command line means
effect.py    faces with and without them; page.py and pictures.py show it
"""
