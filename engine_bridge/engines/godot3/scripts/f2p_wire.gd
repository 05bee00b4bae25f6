extends Reference
# One WebSocket in a thread of its own: it masks and sends a picture while the game draws the next one.
#
# Only that thread touches Godot's network client. It meets the game in two lists behind a mutex: what came in, and what
# is to go out. open() starts it, close() ends it; a lost connection is an event like any other, and still wants close().

enum {OPENED, TEXT, BINARY, LOST} # OPENED: null; TEXT, BINARY: the bytes; LOST: [the bridge's close status or -1, why]

const MOST_MESSAGE_KB = 16384
const MOST_FRAMES = 2 # that wait to be sent, beside the one that is being sent
const MOST_WAITING = 64 # messages in a list: a game that does not keep up is not read for, nor a bridge that does not
const LONGEST_FAREWELL_MS = 500
const NAP_USEC = 200
const LONG_NAP_USEC = 4000
const AWAKE_MS = 1000 # after the last message it takes long naps

var _thread = Thread.new()
var _mutex = Mutex.new()
# Behind the mutex:
var _inbox = []  # [kind, content], oldest first
var _outbox = [] # [write mode, parts], oldest first
var _num_frames = 0 # binary messages in the outbox
var _farewell = null # why the game wants no more of this
# Of the thread alone:
var _client = WebSocketClient.new()
var _peer = null
var _lost = false
var _close_status = -1
var _busy_at_ms = 0


# ---- for the game ----

func open(url, subprotocol):
	_thread.start(self, "_run", [url, subprotocol])


func next_event():
	# [kind, content], or null when nothing has happened.
	_mutex.lock()
	var event = _inbox.pop_front() if _outbox.size() < MOST_WAITING else null
	_mutex.unlock()
	return event


func has_room():
	# Whether a picture that is drawn now can be handed over. A bridge that reads slowly stops the drawing.
	_mutex.lock()
	var room = _num_frames < MOST_FRAMES
	_mutex.unlock()
	return room


func send_text(text):
	_mutex.lock()
	_outbox.append([WebSocketPeer.WRITE_MODE_TEXT, [text.to_utf8()]])
	_mutex.unlock()


func send_frame(parts):
	# A binary message: byte arrays that are joined by the thread.
	_mutex.lock()
	_outbox.append([WebSocketPeer.WRITE_MODE_BINARY, parts])
	_num_frames += 1
	_mutex.unlock()


func close(reason):
	# Sends what waits, says the WebSocket's goodbye, and returns after LONGEST_FAREWELL_MS or earlier.
	_mutex.lock()
	_farewell = reason
	_mutex.unlock()
	if _thread.is_active():
		_thread.wait_to_finish()


# ---- the thread ----

func _run(address):
	# Out: the largest frame and its header beside what is not sent yet; Godot takes no message that fills its buffer.
	_client.set_buffers(MOST_MESSAGE_KB, 256, 2 * MOST_MESSAGE_KB, 256)
	_client.verify_ssl = true
	_client.connect("connection_established", self, "_on_established")
	_client.connect("connection_error", self, "_on_lost", ["not connected"])
	_client.connect("data_received", self, "_on_data")
	_client.connect("server_close_request", self, "_on_close_request")
	_client.connect("connection_closed", self, "_on_closed")
	var error = _client.connect_to_url(address[0], PoolStringArray([address[1]]))
	if error != OK:
		_on_lost("cannot dial: error %d" % error)
	while not _lost and not _is_over():
		if _has_space():
			_client.poll()
		if not _send():
			_nap()
	_say_farewell()


func _nap():
	OS.delay_usec(NAP_USEC if OS.get_ticks_msec() - _busy_at_ms < AWAKE_MS else LONG_NAP_USEC)


func _is_over():
	_mutex.lock()
	var over = _farewell != null
	_mutex.unlock()
	return over


func _has_space():
	_mutex.lock()
	var space = _inbox.size() < MOST_WAITING
	_mutex.unlock()
	return space


func _send():
	# Whether anything went out. What Godot has no room for stays the first in the list.
	_mutex.lock()
	var message = null if _outbox.empty() else _outbox[0]
	_mutex.unlock()
	if message == null or _peer == null:
		return false
	_busy_at_ms = OS.get_ticks_msec()
	_peer.set_write_mode(message[0])
	if _peer.put_packet(_join(message[1])) != OK:
		return false
	_mutex.lock()
	_outbox.pop_front()
	if message[0] == WebSocketPeer.WRITE_MODE_BINARY:
		_num_frames -= 1
	_mutex.unlock()
	return true


func _join(parts):
	# Through a stream, whose put_data copies a block; append_array would go byte by byte.
	if parts.size() == 1:
		return parts[0]
	var message = StreamPeerBuffer.new()
	for part in parts:
		message.put_data(part)
	return message.data_array


func _say_farewell():
	var end_ms = OS.get_ticks_msec() + LONGEST_FAREWELL_MS
	while not _lost and _send():
		_client.poll()
	if not _lost:
		_client.disconnect_from_host(1000, str(_farewell).left(100))
	while not _lost and OS.get_ticks_msec() < end_ms:
		_client.poll()
		OS.delay_msec(1)


func _tell(kind, content):
	_busy_at_ms = OS.get_ticks_msec()
	_mutex.lock()
	_inbox.append([kind, content])
	_mutex.unlock()


func _on_established(_protocol):
	_peer = _client.get_peer(1)
	_peer.set_no_delay(true)
	_tell(OPENED, null)


func _on_data():
	# At once: what is not read when the connection ends is gone.
	while _peer.get_available_packet_count() > 0:
		var packet = _peer.get_packet()
		_tell(TEXT if _peer.was_string_packet() else BINARY, packet)


func _on_close_request(status, _reason):
	_close_status = status


func _on_closed(_was_clean):
	_on_lost("closed by the bridge")


func _on_lost(reason):
	_peer = null
	_lost = true
	_mutex.lock()
	_outbox.clear()
	_num_frames = 0
	_mutex.unlock()
	_tell(LOST, [_close_status, reason])
