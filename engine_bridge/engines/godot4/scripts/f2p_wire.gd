extends RefCounted
# One WebSocket in a thread of its own: it masks and sends a picture while the game draws the next one.
#
# Only that thread touches Godot's network client. It meets the game in two lists behind a mutex: what came in, and what
# is to go out. open() starts it, close() ends it; a lost connection is an event like any other, and still wants close().

enum {OPENED, TEXT, BINARY, LOST} # OPENED: null; TEXT, BINARY: the bytes; LOST: [the bridge's close status or -1, why]

const MOST_MESSAGE_KB = 16384
const MOST_FRAMES = 2 # that wait to be sent, beside those that Godot sends
const MOST_WAITING = 64 # messages in a list: a game that does not keep up is not read for, nor a bridge that does not
const LONGEST_FAREWELL_MS = 500
const NAP_USEC = 200
const LONG_NAP_USEC = 4000
const AWAKE_MS = 1000 # after the last message it takes long naps

var _thread := Thread.new()
var _mutex := Mutex.new()
# Behind the mutex:
var _inbox := []  # [kind, content], oldest first
var _outbox := [] # [is text, parts], oldest first
var _num_frames := 0 # binary messages in the outbox
var _farewell = null # why the game wants no more of this
# Of the thread alone:
var _peer := WebSocketPeer.new()
var _opened := false
var _busy_at_ms := 0


# ---- for the game ----

func open(url: String, subprotocol: String) -> void:
	_thread.start(_run.bind(url, subprotocol))


func next_event():
	# [kind, content], or null when nothing has happened.
	_mutex.lock()
	var event = _inbox.pop_front() if _outbox.size() < MOST_WAITING else null
	_mutex.unlock()
	return event


func has_room() -> bool:
	# Whether a picture that is drawn now can be handed over. A bridge that reads slowly stops the drawing.
	_mutex.lock()
	var room := _num_frames < MOST_FRAMES
	_mutex.unlock()
	return room


func send_text(text: String) -> void:
	_mutex.lock()
	_outbox.append([true, [text.to_utf8_buffer()]])
	_mutex.unlock()


func send_frame(parts: Array) -> void:
	# A binary message: byte arrays that are joined by the thread.
	_mutex.lock()
	_outbox.append([false, parts])
	_num_frames += 1
	_mutex.unlock()


func close(reason: String) -> void:
	# Sends what waits, says the WebSocket's goodbye, and returns after LONGEST_FAREWELL_MS or earlier.
	_mutex.lock()
	_farewell = reason
	_mutex.unlock()
	if _thread.is_started():
		_thread.wait_to_finish()


# ---- the thread ----

func _run(url: String, subprotocol: String) -> void:
	_peer.supported_protocols = PackedStringArray([subprotocol])
	_peer.inbound_buffer_size = MOST_MESSAGE_KB * 1024
	_peer.outbound_buffer_size = 2 * MOST_MESSAGE_KB * 1024
	_peer.max_queued_packets = 256
	var error := _peer.connect_to_url(url)
	while error == OK and not _is_over():
		if _has_space():
			_peer.poll()
			_read()
		if _peer.get_ready_state() == WebSocketPeer.STATE_CLOSED:
			break
		if not _send():
			_nap()
	_say_farewell()
	_lose("cannot dial: error %d" % error if error != OK else "closed by the bridge" if _opened else "not connected")


func _nap() -> void:
	OS.delay_usec(NAP_USEC if Time.get_ticks_msec() - _busy_at_ms < AWAKE_MS else LONG_NAP_USEC)


func _is_over() -> bool:
	_mutex.lock()
	var over = _farewell != null
	_mutex.unlock()
	return over


func _has_space() -> bool:
	_mutex.lock()
	var space := _inbox.size() < MOST_WAITING
	_mutex.unlock()
	return space


func _read() -> void:
	if not _opened and _peer.get_ready_state() == WebSocketPeer.STATE_OPEN:
		_opened = true
		_peer.set_no_delay(true)
		_tell(OPENED, null)
	while _peer.get_available_packet_count() > 0:
		var packet := _peer.get_packet()
		_tell(TEXT if _peer.was_string_packet() else BINARY, packet)


func _send() -> bool:
	# Whether anything went out. What Godot has no room for stays the first in the list.
	if _peer.get_ready_state() != WebSocketPeer.STATE_OPEN:
		return false
	_mutex.lock()
	var message = null if _outbox.is_empty() else _outbox[0]
	_mutex.unlock()
	if message == null:
		return false
	var bytes := _join(message[1])
	if _peer.get_current_outbound_buffered_amount() + bytes.size() > _peer.outbound_buffer_size:
		return false
	_busy_at_ms = Time.get_ticks_msec()
	_peer.send(bytes, WebSocketPeer.WRITE_MODE_TEXT if message[0] else WebSocketPeer.WRITE_MODE_BINARY)
	_mutex.lock()
	_outbox.pop_front()
	if not message[0]:
		_num_frames -= 1
	_mutex.unlock()
	return true


func _join(parts: Array) -> PackedByteArray:
	var message := PackedByteArray()
	for part in parts:
		message.append_array(part)
	return message


func _say_farewell() -> void:
	var end_ms := Time.get_ticks_msec() + LONGEST_FAREWELL_MS
	while _send():
		pass
	_peer.close(1000, str(_farewell).left(100))
	while _peer.get_ready_state() != WebSocketPeer.STATE_CLOSED and Time.get_ticks_msec() < end_ms:
		_peer.poll()
		OS.delay_msec(1)


func _lose(reason: String) -> void:
	_mutex.lock()
	_outbox.clear()
	_num_frames = 0
	_mutex.unlock()
	_tell(LOST, [_peer.get_close_code(), reason])


func _tell(kind: int, content) -> void:
	_busy_at_ms = Time.get_ticks_msec()
	_mutex.lock()
	_inbox.append([kind, content])
	_mutex.unlock()
