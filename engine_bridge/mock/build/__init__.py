"""Builds the mock engine's assets from the CC0 MakeHuman data. Needed only to change an asset, never at run time."""
