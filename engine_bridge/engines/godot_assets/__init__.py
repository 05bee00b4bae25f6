"""What the Godot adapters share: heads, hair, textures and schemas, written in a form that Godot reads natively."""
