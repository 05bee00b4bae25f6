"""Photos on their way in: finding, naming, importing and showing them.

names.py      which files a command line means
importing.py  aligning a collection once
imported.py   what was imported before
pages.py      imports and rejects to look at
portraits.py  photos that characters are created from
"""
