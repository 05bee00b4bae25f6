tool
extends Viewport
# The photo studio: camera, lights and background, as a scene of the protocol asks for them.
#
# Axes: x to the picture's right, y up, z to the camera. Lengths in decimetres.

const FILM_MM = 36.0
const NEAR = 1.0
const FAR = 60.0
const PIVOT = Vector3(0.0, -0.35, -0.55) # the head turns about the joint with the spine
const DEFAULTS = {
	"yaw_deg": 0.0, "pitch_deg": 0.0, "roll_deg": 0.0, "focal_length_mm": 85.0, "shift_x": 0.0, "shift_y": 0.0, "zoom": 1.0,
	"light_direction": [0.35, 0.45, 0.82], "light_color": [1.0, 1.0, 1.0], "ambient_color": [1.0, 1.0, 1.0],
	"skin_tint": [1.0, 1.0, 1.0], "hair_tint": [1.0, 1.0, 1.0], "iris_tint": [1.0, 1.0, 1.0],
	"background_color": [0.27, 0.30, 0.345],
}


static func complete(scene):
	# The scene with every field, numbers as floats and triples as vectors; a String says what is wrong with it.
	if typeof(scene) != TYPE_DICTIONARY:
		return "scene: not an object"
	var full = {}
	for field in DEFAULTS:
		var value = scene.get(field, DEFAULTS[field])
		if typeof(DEFAULTS[field]) == TYPE_REAL:
			if not typeof(value) in [TYPE_REAL, TYPE_INT]:
				return "scene: %s is not a number" % field
			full[field] = float(value)
		else:
			if typeof(value) != TYPE_ARRAY or value.size() != 3:
				return "scene: %s is not a triple" % field
			for number in value:
				if not typeof(number) in [TYPE_REAL, TYPE_INT]:
					return "scene: %s is not a triple of numbers" % field
			full[field] = Vector3(value[0], value[1], value[2])
	if full["focal_length_mm"] <= 0.0 or full["zoom"] <= 0.0:
		return "scene: focal length and zoom must be positive"
	return full


static func head_transform(scene):
	# Yaw turns the face to the picture's right, pitch lifts the chin, roll leans the crown to the right.
	var turn = Basis(Vector3(0, 0, 1), -deg2rad(scene["roll_deg"]))
	turn *= Basis(Vector3(1, 0, 0), -deg2rad(scene["pitch_deg"]))
	turn *= Basis(Vector3(0, 1, 0), deg2rad(scene["yaw_deg"]))
	return Transform(turn, PIVOT - turn.xform(PIVOT))


static func light_directions(scene):
	# Towards the key light, half-way to the camera, and towards the fill light.
	var key = scene["light_direction"]
	key = key.normalized() if key.length() > 0.0 else Vector3(0, 0, 1)
	return [key, (key + Vector3(0, 0, 1)).normalized(), Vector3(-key.x, 0.15, 0.55).normalized()]


func set_up(scene, center_y, side):
	# A longer lens stands further away: the head, side decimetres of it in the picture, keeps its size.
	var camera = $Camera # looked up here: the head asks before this node is ready
	camera.transform = Transform(Basis(), Vector3(0.0, center_y, side * scene["focal_length_mm"] / FILM_MM))
	var size = NEAR * FILM_MM / (scene["focal_length_mm"] * scene["zoom"])
	var offset = Vector2(-scene["shift_x"] * size, scene["shift_y"] * size) # y down: this viewport is flipped
	camera.set_frustum(size, offset, NEAR, FAR)
	var directions = light_directions(scene)
	_point($KeyLight, directions[0], scene["light_color"])
	_point($FillLight, directions[2], scene["ambient_color"])
	var ambient = scene["ambient_color"]
	camera.environment.ambient_light_color = Color(ambient.x, ambient.y, ambient.z)
	camera.force_update_transform() # otherwise only after this frame


func set_background(color):
	$Camera.environment.background_color = Color(color.x, color.y, color.z)


func use_engine_lights(on):
	$KeyLight.visible = on
	$FillLight.visible = on
	shadow_atlas_size = 2048 if on else 0


func _point(light, direction, color):
	var up = Vector3(0, 1, 0) if abs(direction.y) < 0.99 else Vector3(1, 0, 0)
	light.transform = Transform(Basis(), 10.0 * direction).looking_at(Vector3(), up)
	light.light_color = Color(color.x, color.y, color.z)
	light.force_update_transform()
