extends Node
# The engine's end of the f2p engine protocol (docs/protocol.md), for Godot 3.
#
# Copy this file and f2p_wire.gd into your own project, put this one on a node, and point it at two nodes of yours:
#
#   rig      schemas_json() -> String                     every character this engine can draw, as a JSON array
#            build() -> String                            changes whenever the same vector may look different
#            scene_fields() -> Array                      names of the scene fields that are honoured
#            apply(character, vector, scene) -> String    moves bones, sets materials; "" or what is wrong
#            read_back() -> Array                         the vector again, read from bones and materials
#   capture  resize(resolution)                           the side of the next pictures
#            take(stamp) -> Array                         [picture, mask] as Images: RGB8, and part ids in an R8 or L8
#                                                         one; stamp is -1 or the request's id
#
# It knows nothing about heads. It dials F2P_BRIDGE_URL, says hello, draws what it is asked for, and quits the game when
# the bridge says goodbye for good. Without that variable it does nothing.

export(NodePath) var rig_path
export(NodePath) var capture_path
export(String) var engine_name = "godot3"
export(int) var minimum_px = 16
export(int) var maximum_px = 2048
export(int) var max_batch = 16
export(int) var max_in_flight = 32
export(float) var longest_frame_s = 20.0

const PROTOCOL = [1, 0]
const SUBPROTOCOL = "f2p.engine.v1"
const READ_BACK_TOLERANCE = 0.001
const FIRST_PAUSE_S = 0.5
const LONGEST_PAUSE_S = 10.0
const CONNECT_TIMEOUT_S = 10.0
const HOPELESS = {"bad_protocol": 4001, "bad_token": 4003, "bad_hello": 4004, "bad_schema": 4005, "bad_build": 4006}
const TURN_MS = 100 # how long one _process() may go on before the window gets its turn
const NAP_USEC = 100
const LONG_NAP_USEC = 4000
const AWAKE_MS = 1000 # after the last message it takes long naps

const Wire = preload("f2p_wire.gd")

enum {WAITING, CONNECTING, GREETING, READY, FINISHED}

onready var rig = get_node(rig_path)
onready var capture = get_node(capture_path)

var _state = FINISHED
var _wire = null
var _pause_s = FIRST_PAUSE_S
var _next_dial_ms = 0
var _last_heard_ms = 0
var _silence_ms = 60000
var _sizes = {}        # vector length of each character
var _fingerprints = {} # as the bridge computed them
var _requests = []     # waiting, oldest first
var _frame = 0         # the process's frame counter


func _ready():
	if OS.get_environment("F2P_BRIDGE_URL") == "":
		print("f2p: F2P_BRIDGE_URL is not set, so no bridge is dialled")
		return
	VisualServer.render_loop_enabled = false # only requests are drawn
	_state = WAITING


func _process(_delta):
	var end_ms = OS.get_ticks_msec() + TURN_MS
	while _state != FINISHED and OS.get_ticks_msec() < end_ms:
		if not _work():
			var awake = not _requests.empty() or OS.get_ticks_msec() - _last_heard_ms < AWAKE_MS
			OS.delay_usec(NAP_USEC if awake else LONG_NAP_USEC)


func _work():
	# One step. Returns whether there was anything to do.
	if _state == WAITING:
		if OS.get_ticks_msec() < _next_dial_ms:
			OS.delay_msec(5)
			return false
		_dial()
		return true
	var event = _wire.next_event()
	if event != null:
		_on_event(event[0], event[1])
		return true
	if _state == READY and not _requests.empty() and _wire.has_room():
		_answer(_requests.pop_front())
		return true
	if OS.get_ticks_msec() - _last_heard_ms > _silence_ms:
		_hang_up("nothing heard from the bridge for %d s" % (_silence_ms / 1000))
	return false


# ---- the connection ----

func _dial():
	_state = CONNECTING
	_last_heard_ms = OS.get_ticks_msec()
	_silence_ms = int(CONNECT_TIMEOUT_S * 1000)
	_wire = Wire.new()
	_wire.open(OS.get_environment("F2P_BRIDGE_URL"), SUBPROTOCOL)


func _on_event(kind, content):
	if kind == Wire.LOST:
		return _on_lost(content[0], content[1])
	_last_heard_ms = OS.get_ticks_msec()
	if kind == Wire.OPENED:
		_greet()
	elif kind == Wire.TEXT:
		_on_text(content)
	else:
		_on_binary(content)


func _greet():
	for schema in JSON.parse(rig.schemas_json()).result:
		_sizes[schema["character"]] = _vector_size(schema)
	_state = GREETING
	_silence_ms = int(CONNECT_TIMEOUT_S * 1000)
	_wire.send_text(_hello())


func _on_lost(close_status, reason):
	if close_status in HOPELESS.values():
		print("f2p: refused with status %d" % close_status)
		return _finish(3)
	_hang_up(reason)


func _hang_up(reason):
	print("f2p: %s; dialling again in %.1f s" % [reason, _pause_s])
	_wire.close(reason)
	_state = WAITING
	_requests = []
	_next_dial_ms = OS.get_ticks_msec() + int(_pause_s * 1000)
	_pause_s = min(2.0 * _pause_s, LONGEST_PAUSE_S)


func _finish(status):
	# The end, as told by the bridge: close, and leave.
	_state = FINISHED
	_wire.close("goodbye")
	get_tree().quit(status)


func _exit_tree():
	if _wire != null:
		_wire.close("the game ended")


func _notification(what):
	if what == MainLoop.NOTIFICATION_WM_QUIT_REQUEST and _state == READY:
		_send({"type": "goodbye", "reason": "the window was closed", "again": false})
		_finish(0)


# ---- messages ----

func _hello():
	# Schemas go out as they are in their file: printing them anew could round a number and change a fingerprint.
	var instance = OS.get_environment("F2P_ENGINE_INSTANCE")
	var hello = {
		"type": "hello",
		"protocol": PROTOCOL,
		"token": OS.get_environment("F2P_BRIDGE_TOKEN"),
		"engine": engine_name,
		"build": rig.build(),
		"instance": instance if instance != "" else "%s-%d" % [engine_name, OS.get_process_id()],
		"capabilities": {
			"minimum_px": minimum_px,
			"maximum_px": maximum_px,
			"max_batch": max_batch,
			"max_in_flight": max_in_flight,
			"encodings": ["raw", "png"],
			"stamp": true,
			"read_back_tolerance": READ_BACK_TOLERANCE,
			"scene": rig.scene_fields(),
			"longest_frame_s": longest_frame_s,
		},
	}
	var text = JSON.print(hello)
	return text.substr(0, text.length() - 1) + ",\"schemas\":" + rig.schemas_json().strip_edges() + "}"


func _on_text(packet):
	var message = _parse(packet)
	if message == null:
		return _refuse([], "bad_message", "not a JSON object with a type")
	match message["type"]:
		"welcome":
			_on_welcome(message)
		"refusal":
			_on_refusal(message)
		"ping":
			var pong = {"type": "pong", "id": _whole(message.get("id"), 0), "frame": _frame}
			var memory = _resident_bytes()
			if memory > 0:
				pong["memory_bytes"] = memory
			_send(pong)
		"goodbye":
			if message.get("again", true) == false:
				_finish(0)
			else:
				_hang_up("the bridge said goodbye")
		_:
			_refuse([], "bad_message", "no message of this type is known")


func _on_welcome(message):
	var version = message.get("protocol")
	var fingerprints = message.get("fingerprints")
	if _state != GREETING or typeof(version) != TYPE_ARRAY or typeof(fingerprints) != TYPE_DICTIONARY:
		return _refuse([], "bad_message", "this welcome makes no sense")
	if version.empty() or int(version[0]) != PROTOCOL[0]:
		print("f2p: the bridge speaks another protocol")
		return _finish(3)
	_fingerprints = fingerprints
	_silence_ms = int(4000.0 * _number(message.get("ping_s"), 15.0))
	_pause_s = FIRST_PAUSE_S
	_state = READY


func _on_refusal(message):
	print("f2p: refused: %s: %s" % [message.get("code", ""), message.get("message", "")])
	if message.get("code") in HOPELESS:
		_finish(3)
	else:
		_hang_up("refused")


func _on_binary(packet):
	if packet.size() < 4:
		return _refuse([], "bad_message", "a binary message starts with the length of its header")
	var stream = StreamPeerBuffer.new()
	stream.data_array = packet
	var length = stream.get_u32()
	if length < 2 or length > packet.size() - 4:
		return _refuse([], "bad_message", "the header is longer than the message")
	var header = _parse(packet.subarray(4, 3 + length))
	if header == null or header["type"] != "render":
		return _refuse([], "bad_message", "the header is no render order")
	stream.seek(4 + length)
	_on_render(header, stream, packet.size() - 4 - length)


func _on_render(order, stream, payload_bytes):
	var ids = order.get("ids")
	if typeof(ids) != TYPE_ARRAY or ids.empty():
		return _refuse([], "bad_message", "ids: a list of request ids is missing")
	for id in ids:
		if _whole(id, -1) < 0:
			return _refuse([], "bad_message", "ids: not whole numbers")
	if _state != READY:
		return _refuse(ids, "bad_request", "there was no welcome yet")
	var fault = _find_fault(order, payload_bytes)
	if not fault.empty():
		return _refuse(ids, fault[0], fault[1])
	if _requests.size() + ids.size() > max_in_flight:
		return _refuse(ids, "overloaded", "at most %d requests may wait" % max_in_flight)
	var scenes = order.get("scenes")
	var size = _sizes[order["character"]]
	var due_ms = OS.get_ticks_msec() + _whole(order.get("deadline_ms"), 3600000)
	for row in range(ids.size()):
		var vector = []
		for _i in range(size):
			vector.append(stream.get_float())
		_requests.append({
			"id": int(ids[row]),
			"vector": vector,
			"scene": scenes[row] if typeof(scenes) == TYPE_ARRAY else {},
			"character": order["character"],
			"resolution": int(order["resolution"]),
			"png": order["encoding"] == "png",
			"stamp": order.get("stamp") == true,
			"due_ms": due_ms,
		})


func _find_fault(order, payload_bytes):
	# [code, message] of what is wrong with a render order, or nothing.
	var count = order["ids"].size()
	var character = order.get("character")
	if typeof(character) != TYPE_STRING or not _sizes.has(character):
		return ["unknown_character", "this engine has no such character"]
	if order.get("fingerprint") != _fingerprints.get(character):
		return ["stale_schema", "the fingerprint is not the one of the welcome"]
	if count > max_batch:
		return ["bad_request", "more than %d requests in one message" % max_batch]
	var side = _whole(order.get("resolution"), 0)
	if side < minimum_px or side > maximum_px:
		return ["bad_request", "resolution: from %d to %d pixels" % [minimum_px, maximum_px]]
	if not order.get("encoding") in ["raw", "png"]:
		return ["bad_request", "encoding: raw or png"]
	var scenes = order.get("scenes")
	if scenes != null and (typeof(scenes) != TYPE_ARRAY or scenes.size() != count):
		return ["bad_request", "scenes: one per request"]
	if payload_bytes != 4 * count * _sizes[character]:
		return ["bad_request", "payload: %d vectors of %d numbers were expected" % [count, _sizes[character]]]
	return []


# ---- drawing ----

func _answer(request):
	if OS.get_ticks_msec() > request["due_ms"]:
		return _refuse([request["id"]], "deadline", "its deadline had passed")
	for value in request["vector"]:
		if not (value >= 0.0 and value <= 1.0):
			return _refuse([request["id"]], "bad_request", "vector: an entry lies outside [0, 1]")
	var begin = OS.get_ticks_usec()
	capture.resize(request["resolution"])
	var wrong = rig.apply(request["character"], request["vector"], request["scene"])
	if wrong != "":
		return _refuse([request["id"]], "bad_request", wrong)
	var vector = _floats(rig.read_back())
	var applied = OS.get_ticks_usec()
	var images = capture.take(request["id"] if request["stamp"] else -1)
	var rendered = OS.get_ticks_usec()
	if images.size() != 2 or images[0].get_width() != request["resolution"]:
		return _refuse([request["id"]], "render_failed", "the viewport gave no picture")
	var picture = images[0].save_png_to_buffer() if request["png"] else images[0].get_data()
	var mask = images[1].save_png_to_buffer() if request["png"] else images[1].get_data()
	_frame += 1
	_send_frame({
		"type": "frame",
		"id": request["id"],
		"frame": _frame,
		"width": request["resolution"],
		"height": request["resolution"],
		"encoding": "png" if request["png"] else "raw",
		"picture_bytes": picture.size(),
		"mask_bytes": mask.size(),
		"timings_ms": {
			"apply": (applied - begin) / 1000.0,
			"render": (rendered - applied) / 1000.0,
			"encode": (OS.get_ticks_usec() - rendered) / 1000.0,
		},
	}, [vector, picture, mask])


func _floats(values):
	var stream = StreamPeerBuffer.new()
	for value in values:
		stream.put_float(value)
	return stream.data_array


# ---- sending ----

func _refuse(ids, code, message):
	var numbers = []
	for id in ids:
		numbers.append(int(id))
	_send({"type": "error", "ids": numbers, "code": code, "message": message})


func _send(message):
	_wire.send_text(JSON.print(message))


func _send_frame(header, parts):
	var text = JSON.print(header).to_utf8()
	var length = StreamPeerBuffer.new()
	length.put_u32(text.size())
	_wire.send_frame([length.data_array, text] + parts)


# ---- small change ----

func _parse(packet):
	# A JSON object with a type, or null.
	var parsed = JSON.parse(packet.get_string_from_utf8())
	if parsed.error != OK or typeof(parsed.result) != TYPE_DICTIONARY:
		return null
	return parsed.result if typeof(parsed.result.get("type")) == TYPE_STRING else null


func _number(value, otherwise):
	return float(value) if typeof(value) in [TYPE_REAL, TYPE_INT] else otherwise


func _whole(value, otherwise):
	var number = _number(value, otherwise)
	return int(number) if number == floor(number) else int(otherwise)


func _vector_size(schema):
	var size = schema["continuous"].size()
	for parameter in schema["discrete"]:
		size += parameter["choices"].size()
	return size


func _resident_bytes():
	# Linux tells; elsewhere 0.
	var file = File.new()
	if file.open("/proc/self/statm", File.READ) != OK:
		return 0
	var fields = file.get_line().split(" ")
	file.close()
	return int(fields[1]) * 4096 if fields.size() > 1 else 0
