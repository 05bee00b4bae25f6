@tool
extends Skeleton3D
# This head's rig: what a vector means here. The only script that a studio writes anew for a head of its own.
#
# Values become bone poses and material parameters; read_back() goes the other way and starts from the bones and the
# materials, never from the request. Bones add up: every bone hangs from the head, a vertex moves by the weighted sum of
# what its bones do, and weights need not add up to one (materials/skin.gdshader).

@export var studio_path: NodePath
@export_enum("unshaded", "engine") var lighting := "unshaded"
@export var preview_character := "justice_female":
	set = _set_preview

const ASSETS = "res://assets/"
const CHANNELS = ["tx", "ty", "tz", "rx", "ry", "rz", "sx", "sy", "sz"]
const MIRRORED = ["tx", "ry", "rz"] # change sign on the right-hand twin of a pair
const UNITS_PER_MM = 0.01
# What a character wears whose schema has no such choice.
const PLAIN = {"hairstyle": "buzz_cut", "eyebrow_style": "soft_arch_medium", "lipstick_style": "", "lipstick_color": "", "beard_style": "clean_shaven"}
# Eight bones per vertex; the surface at rest in CUSTOM0 to CUSTOM2 (materials/skin.gdshader).
const SURFACE_FORMAT = (
	Mesh.ARRAY_FLAG_USE_8_BONE_WEIGHTS
	| Mesh.ARRAY_CUSTOM_RGBA_FLOAT << Mesh.ARRAY_FORMAT_CUSTOM0_SHIFT
	| Mesh.ARRAY_CUSTOM_RGBA_FLOAT << Mesh.ARRAY_FORMAT_CUSTOM1_SHIFT
	| Mesh.ARRAY_CUSTOM_RGBA_FLOAT << Mesh.ARRAY_FORMAT_CUSTOM2_SHIFT)
const BOUNDS = AABB(Vector3(-4, -6, -4), Vector3(8, 12, 8))

@onready var studio = get_node(studio_path)
@onready var surfaces = {"Skin": $Skin, "Eyes": $Eyes, "Lashes": $Lashes, "Mouth": $Mouth}
@onready var hair = $Hair

var _looks = {}
var _schemas_text = ""
var _characters = {} # name -> what _prepare() made of its schema
var _heads = {}      # name -> bones, pivots and meshes
var _meshes = {}     # hairstyles, by path
var _textures = {}   # by path
var _materials = {}  # node name -> [material of the picture, material of the mask]
var _head = null
var _character = null
var _scene = {}
var _scene_hash = 0


func _ready():
	if not _load_assets():
		push_warning("f2p: no assets here; prepare the project first (docs/adding-an-engine.md)")
		return
	if OS.get_environment("F2P_OPTION_LIGHTING") != "":
		lighting = OS.get_environment("F2P_OPTION_LIGHTING")
	_make_materials()
	studio.use_engine_lights(lighting == "engine")
	_set_preview(preview_character)


func _set_preview(character):
	# The average face of a character, so that the editor shows a head.
	preview_character = character
	if _characters.has(character):
		apply(character, _default_vector(_characters[character]), {})


# ---- what the bridge asks for ----

func schemas_json():
	return _schemas_text


func build():
	var version = Engine.get_version_info()
	var renderer = (RenderingServer.get_video_adapter_name() + RenderingServer.get_current_rendering_method()).md5_text().substr(0, 6)
	return "godot-%s.%s.%s-%s-%s-%s" % [version["major"], version["minor"], version["patch"], _read_text("build.txt").strip_edges(), lighting, renderer]


func scene_fields():
	return studio.DEFAULTS.keys()


func apply(character, vector, scene):
	# Move bones and set materials. Returns "" or what is wrong.
	var full = studio.complete(scene)
	if typeof(full) == TYPE_STRING:
		return full
	_character = _characters[character]
	_use_head(_character["head"])
	_pose_bones(vector)
	_set_scene(full)
	var choices = _choices(vector)
	_wear_hair(choices["hairstyle"])
	_wear_makeup(choices)
	# Otherwise the skeleton is updated after the frame, and the picture lags one request behind.
	force_update_all_bone_transforms()
	notification(NOTIFICATION_UPDATE_SKELETON)
	return ""


func read_back():
	var vector = _read_sliders()
	var worn = {
		"hairstyle": hair.mesh.resource_name if hair.mesh != null else "bald",
		"eyebrow_style": _worn("brow"),
		"lipstick_style": _worn("lipstick"),
		"lipstick_color": _worn_lipstick_color(),
		"beard_style": _worn("beard"),
	}
	for parameter in _character["discrete"]:
		for choice in parameter["choices"]:
			vector.append(1.0 if choice == worn[parameter["name"]] else 0.0)
	return vector


func show_parts(on):
	# Flat part ids instead of the picture. Lashes are no part.
	for name in _materials:
		get_node(name).material_override = _materials[name][1 if on else 0]
	surfaces["Lashes"].visible = not on
	studio.set_background(Vector3() if on else _scene["background_color"])


# ---- sliders ----

func _pose_bones(vector):
	var channels = _head["rest_channels"].duplicate()
	var sliders = _character["sliders"]
	var response = _head["response"] # a child's head answers the same slider more weakly
	for i in range(sliders.size()):
		var slider = sliders[i]
		var offset = response * (slider[3] + vector[i] * slider[4])
		channels[slider[0]] += offset
		if slider[1] >= 0:
			channels[slider[1]] += offset * slider[2]
	for bone in _character["driven"]:
		var at = bone * 9
		var turn = Basis(Vector3(0, 0, 1), deg_to_rad(channels[at + 5])) * Basis(Vector3(0, 1, 0), deg_to_rad(channels[at + 4])) * Basis(Vector3(1, 0, 0), deg_to_rad(channels[at + 3]))
		set_bone_pose_position(bone, _head["pivots"][bone] + UNITS_PER_MM * Vector3(channels[at], channels[at + 1], channels[at + 2]))
		set_bone_pose_rotation(bone, turn.get_rotation_quaternion())
		set_bone_pose_scale(bone, Vector3(channels[at + 6], channels[at + 7], channels[at + 8]))
	for pair in _head["eyeballs"]: # the eyes move with their sockets and keep looking at the camera
		var move = get_bone_pose_position(pair[1]) - _head["pivots"][pair[1]]
		set_bone_pose_position(pair[0], _head["pivots"][pair[0]] + move)


func _read_sliders():
	var channels = {}
	for bone in _character["driven"]:
		var place = (get_bone_pose_position(bone) - _head["pivots"][bone]) / UNITS_PER_MM
		var turn = Basis(get_bone_pose_rotation(bone))
		var size = get_bone_pose_scale(bone)
		channels[bone] = [
			place.x, place.y, place.z,
			rad_to_deg(atan2(turn.y.z, turn.z.z)), rad_to_deg(-asin(clampf(turn.x.z, -1.0, 1.0))), rad_to_deg(atan2(turn.x.y, turn.x.x)),
			size.x, size.y, size.z,
		]
	var rest = _head["rest_channels"]
	var response = _head["response"]
	var vector = []
	for slider in _character["sliders"]:
		var offset = (channels[slider[0] / 9][slider[0] % 9] - rest[slider[0]]) / response
		vector.append(clamp((offset - slider[3]) / slider[4], 0.0, 1.0))
	return vector


# ---- choices ----

func _choices(vector):
	# Names by parameter: the largest entry of each block, the first if several are equal.
	var choices = PLAIN.duplicate()
	var at = _character["sliders"].size()
	for parameter in _character["discrete"]:
		var best = 0
		var names = parameter["choices"]
		for i in range(1, names.size()):
			if vector[at + i] > vector[at + best]:
				best = i
		choices[parameter["name"]] = names[best]
		at += names.size()
	return choices


func _wear_hair(style):
	var path = "hair/%s/%s.var" % [_head["name"], style]
	if not _meshes.has(path):
		var surface = _read_variant(path)
		_meshes[path] = _make_mesh(surface, style) if surface != null else null
	if hair.mesh != _meshes[path]:
		hair.mesh = _meshes[path]


func _wear_makeup(choices):
	var style = _looks["hairstyle"][choices["hairstyle"]]
	var root = style["root"] * _scene["hair_tint"]
	_set_on("Hair", "root_color", root)
	_set_on("Hair", "tip_color", style["tip"] * _scene["hair_tint"])
	var brow = _looks["eyebrow_style"][choices["eyebrow_style"]]
	_paint("brow", choices["eyebrow_style"], _looks["brow_shade"] * root, brow["opacity"], 0.15)
	_paint("beard", choices["beard_style"], root, _looks["beard_style"][choices["beard_style"]]["opacity"], 0.15)
	if choices["lipstick_color"] == "":
		_set_on("Skin", "lipstick_opacity", 0.0)
	else:
		var name = choices["lipstick_style"] if choices["lipstick_style"] != "" else "full_satin"
		var finish = _looks["lipstick_style"][name]
		_paint("lipstick", name, _pigment(choices["lipstick_color"], finish), finish["opacity"], 0.25 + 0.75 * finish["gloss"])


func _paint(kind, style, color, opacity, gloss):
	_set_on("Skin", kind + "_texture", _texture("%s/%s" % [kind, style]))
	_set_on("Skin", kind + "_color", color)
	_set_on("Skin", kind + "_opacity", opacity)
	_set_on("Skin", kind + "_gloss", gloss)


func _pigment(color, finish):
	var pigment = _looks["lipstick_color"][color]
	return pigment + finish["frost"] * (_looks["pearl"] - pigment)


func _worn(kind):
	return _materials["Skin"][0].get_shader_parameter(kind + "_texture").resource_name


func _worn_lipstick_color():
	var skin = _materials["Skin"][0]
	if skin.get_shader_parameter("lipstick_opacity") == 0.0:
		return ""
	var worn = skin.get_shader_parameter("lipstick_color")
	var finish = _looks["lipstick_style"][_worn("lipstick")]
	for color in _looks["lipstick_color"]:
		if _pigment(color, finish) == worn:
			return color
	return ""


# ---- scene ----

func _set_scene(scene):
	var signature = [scene.hash(), _head["name"], studio.size.x].hash()
	if signature != _scene_hash:
		_scene_hash = signature
		_scene = scene
		_light(scene)
	for name in ["Skin", "Lashes"]:
		for side in [0, 1]:
			var bone = _head["eyeballs"][side][0]
			var center = transform * get_bone_pose_position(bone)
			_set_on(name, ["left_eye", "right_eye"][side], center)


func _light(scene):
	var look = _head["look"]
	transform = studio.head_transform(scene)
	force_update_transform()
	for name in _materials:
		get_node(name).force_update_transform()
	studio.set_up(scene, look["center_y"], look["side"])
	studio.set_background(scene["background_color"])
	var directions = studio.light_directions(scene)
	for name in ["Skin", "Mouth", "Eyes", "Hair"]:
		_set_on(name, "key_direction", directions[0])
		_set_on(name, "half_direction", directions[1])
		_set_on(name, "fill_direction", directions[2])
		_set_on(name, "key_color", scene["light_color"])
		_set_on(name, "ambient_color", scene["ambient_color"])
	_set_on("Skin", "skin_tone", look["skin"] * scene["skin_tint"])
	_set_on("Skin", "cloth_color", look["clothes"])
	_set_on("Skin", "eye_clearance", 1.03 * _head["eye_radius"])
	_set_on("Lashes", "eye_clearance", 1.03 * _head["eye_radius"])
	_set_on("Lashes", "lash_color", _looks["lash"])
	_set_on("Lashes", "strength", look["lash_strength"])
	_set_on("Eyes", "iris_color", look["iris"] * scene["iris_tint"])
	_set_on("Eyes", "softness", look["side"] / (studio.size.x * scene["zoom"] * _head["eye_radius"]))
	_set_on("Hair", "fineness", min(1.0, studio.size.x / 800.0))


func _set_on(name, parameter, value):
	# Picture and mask show the same: both materials get everything.
	_materials[name][0].set_shader_parameter(parameter, value)
	if _materials[name][1] != null:
		_materials[name][1].set_shader_parameter(parameter, value)


# ---- loading ----

func _load_assets():
	_schemas_text = _read_text("schemas.json")
	_looks = _vectors(JSON.parse_string(_read_text("looks.json")))
	if _schemas_text == "" or _looks == null:
		return false
	for schema in JSON.parse_string(_schemas_text):
		_characters[schema["character"]] = _prepare(schema)
	return true


func _vectors(value):
	# Triples of numbers as vectors, all the way down.
	if typeof(value) == TYPE_DICTIONARY:
		for key in value:
			value[key] = _vectors(value[key])
	elif typeof(value) == TYPE_ARRAY and value.size() == 3:
		return Vector3(value[0], value[1], value[2])
	return value


func _prepare(schema):
	# What the loops need of a schema: sliders as [channel, twin's channel or -1, twin's sign, minimum, span].
	var head = _load_head(schema["head"])
	var sliders = []
	var driven = {}
	for parameter in schema["continuous"]:
		var bone = parameter["bone"]
		var channel = CHANNELS.find(parameter["controller"])
		var first = head["bones"].find(bone + ".L")
		var twin = head["bones"].find(bone + ".R")
		if first < 0:
			first = head["bones"].find(bone)
		var rest = 1.0 if channel >= 6 else 0.0
		var sign_of_twin = -1.0 if parameter["controller"] in MIRRORED else 1.0
		sliders.append([first * 9 + channel, twin * 9 + channel if twin >= 0 else -1, sign_of_twin, parameter["minimum"] - rest, parameter["maximum"] - parameter["minimum"]])
		driven[first] = true
		if twin >= 0:
			driven[twin] = true
	return {"head": schema["head"], "sliders": sliders, "driven": driven.keys(), "discrete": schema["discrete"], "continuous": schema["continuous"]}


func _load_head(name):
	if not _heads.has(name):
		var head = _read_variant("heads/%s.var" % name)
		head["name"] = name
		head["bones"] = Array(head["bones"])
		head["look"] = _looks["heads"][name]
		head["eyeballs"] = []
		for side in [".L", ".R"]:
			head["eyeballs"].append([head["bones"].find("eyeball" + side), head["bones"].find("eye" + side)])
		head["rest_channels"] = []
		for _bone in head["bones"]:
			head["rest_channels"] += [0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 1.0, 1.0]
		head["skin"] = Skin.new()
		for i in range(head["bones"].size()):
			head["skin"].add_bind(i, Transform3D(Basis(), -head["pivots"][i]))
		for surface in head["surfaces"]:
			head["surfaces"][surface] = _make_mesh(head["surfaces"][surface], surface)
		_heads[name] = head
	return _heads[name]


func _use_head(name):
	# Put another head's meshes and bones into the scene; bones that the next character does not drive are at rest.
	if _head != null and _head["name"] == name and _head["user"] == _character:
		return
	_head = _heads[name]
	_head["user"] = _character
	clear_bones()
	for i in range(_head["bones"].size()):
		add_bone(_head["bones"][i])
		set_bone_rest(i, Transform3D(Basis(), _head["pivots"][i]))
		reset_bone_pose(i)
	for surface in surfaces:
		surfaces[surface].mesh = _head["surfaces"][surface]
		surfaces[surface].skin = _head["skin"]
	hair.skin = _head["skin"]


func _make_mesh(arrays, name):
	var mesh = ArrayMesh.new()
	mesh.add_surface_from_arrays(Mesh.PRIMITIVE_TRIANGLES, arrays, [], {}, SURFACE_FORMAT)
	mesh.custom_aabb = BOUNDS
	mesh.resource_name = name
	return mesh


func _make_materials():
	for name in ["Skin", "Mouth", "Eyes", "Hair", "Lashes"]:
		var picture = get_node(name).material_override.duplicate()
		var mask = null
		if name != "Lashes":
			mask = picture.duplicate()
			mask.shader = _variant_of(picture.shader, "SHOW_PARTS")
			if lighting == "engine":
				picture.shader = _variant_of(picture.shader, "ENGINE_LIGHTS")
				picture.shader.code = picture.shader.code.replace("render_mode unshaded", "render_mode diffuse_lambert_wrap")
		_materials[name] = [picture, mask]
		get_node(name).material_override = picture
	for texture in ["skin", "coverage", "parts", "lipstick/full_satin"]:
		_set_on("Skin", texture.split("/")[0] + "_texture", _texture(texture))
	_set_on("Hair", "strands_texture", _texture("strands"))


func _variant_of(shader, switch):
	var variant = Shader.new()
	variant.code = shader.code.replace("const bool %s = false" % switch, "const bool %s = true" % switch)
	return variant


func _texture(path):
	if not _textures.has(path):
		var image := Image.new()
		image.load_png_from_buffer(FileAccess.get_file_as_bytes(ASSETS + "textures/%s.png" % path))
		var texture := ImageTexture.create_from_image(image)
		texture.resource_name = path.get_file()
		_textures[path] = texture
	return _textures[path]


func _read_text(path):
	return FileAccess.get_file_as_string(ASSETS + path) if FileAccess.file_exists(ASSETS + path) else ""


func _read_variant(path):
	var file := FileAccess.open(ASSETS + path, FileAccess.READ)
	return file.get_var() if file != null else null


func _default_vector(character):
	var vector = []
	for parameter in character["continuous"]:
		vector.append((parameter["default"] - parameter["minimum"]) / (parameter["maximum"] - parameter["minimum"]))
	for parameter in character["discrete"]:
		for choice in parameter["choices"]:
			vector.append(1.0 if choice == parameter["default"] else 0.0)
	return vector
