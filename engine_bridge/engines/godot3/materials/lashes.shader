// Eyelashes: a soft dark fringe. Not a part of its own, so the mask pass hides it.
shader_type spatial;
render_mode unshaded, cull_disabled, skip_vertex_transform, depth_draw_never, shadows_disabled;

// The head in the world. Four vectors, for Godot 3.2 sends a turned mat4 wrongly.
uniform vec3 head_x;
uniform vec3 head_y;
uniform vec3 head_z;
uniform vec3 head_origin;
uniform vec3 left_eye;
uniform vec3 right_eye;
uniform float eye_clearance;
uniform vec3 lash_color;
uniform float strength;

vec3 to_world(vec3 v) {
	return v.x * head_x + v.y * head_y + v.z * head_z;
}

vec3 keep_off(vec3 place, vec3 rest, vec3 eye) {
	vec3 away = place - eye;
	float near = length(away);
	if (distance(rest, eye) < 0.28 && near < eye_clearance) {
		return eye + away * (eye_clearance / max(near, 0.000001));
	}
	return place;
}

void vertex() {
	vec4 moved = WORLD_MATRIX * vec4(VERTEX, 1.0);
	vec3 at_rest = to_world(VERTEX) + head_origin;
	vec3 place = moved.xyz + (1.0 - moved.w) * at_rest;
	place = keep_off(keep_off(place, at_rest, left_eye), at_rest, right_eye);
	VERTEX = (INV_CAMERA_MATRIX * vec4(place, 1.0)).xyz;
}

void fragment() {
	// UV.x along the lid, UV.y from root to tip, UV2.x density.
	float gap = 2.0 * abs(fract(UV.x * 95.0) - 0.5);
	ALBEDO = lash_color;
	ALPHA = clamp(strength * UV2.x * (1.0 - UV.y) * (1.35 - UV.y * gap), 0.0, 1.0);
}
