extends Node
# Takes the two pictures of a pose: what it looks like, and which part of the face every pixel belongs to.
#
# Both come from one pose: nothing moves between the two draws. The stamp is a square in the scene itself, so a
# picture that belonged to an earlier request would carry that request's stamp.

export(NodePath) var viewport_path
export(NodePath) var stamp_path
export(NodePath) var rig_path

onready var viewport = get_node(viewport_path)
onready var stamp_rect = get_node(stamp_path)
onready var rig = get_node(rig_path)


func resize(resolution):
	# Before the rig is told its values: how fine hair can be drawn depends on it.
	if int(viewport.size.x) != resolution:
		viewport.size = Vector2(resolution, resolution)


func take(stamp):
	# [picture, mask]. stamp is a request's id, or -1 for none.
	_show_stamp(stamp, _picture_color(stamp))
	var picture = _draw()
	_show_stamp(stamp, _part_color(stamp))
	rig.show_parts(true)
	var mask = _draw()
	rig.show_parts(false)
	picture.convert(Image.FORMAT_RGB8)
	mask.convert(Image.FORMAT_R8)
	return [picture, mask]


func _draw():
	VisualServer.force_draw(false)
	return viewport.get_texture().get_data() # "v flip" is on, so the first row is the highest


func _show_stamp(stamp, color):
	# modulate reaches the renderer at once; ColorRect.color would only be drawn one frame later.
	color.a = 0.0 if stamp < 0 else 1.0
	stamp_rect.self_modulate = color


func _picture_color(stamp):
	var n = stamp % 512
	return Color8(32 * (n % 8) + 16, 32 * (n / 8 % 8) + 16, 32 * (n / 64) + 16)


func _part_color(stamp):
	return Color8(stamp % 11, stamp % 11, stamp % 11)
