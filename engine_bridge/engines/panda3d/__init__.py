"""Panda3D as an engine: its own skinning, lights, materials and renderer, on the shipped heads."""
