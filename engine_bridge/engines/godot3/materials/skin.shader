// Skin, lips, brows, beard and collar: one texture, and a mask for everything painted on it.
shader_type spatial;
render_mode unshaded, skip_vertex_transform;

// The scripts make variants of this shader by switching these on.
const bool SHOW_PARTS = false;    // flat part ids instead of light
const bool ENGINE_LIGHTS = false; // Godot's own lights and shadows ("unshaded" is removed, too)

// The head in the world. Four vectors, for Godot 3.2 sends a turned mat4 wrongly.
uniform vec3 head_x;
uniform vec3 head_y;
uniform vec3 head_z;
uniform vec3 head_origin;
uniform vec3 left_eye;
uniform vec3 right_eye;
uniform float eye_clearance;

// How the bones tilt the skin: gradients of weights per vertex, and what every bone does to the head it hangs from.
// Two bytes per number: OpenGL ES 2 keeps no floats in a texture.
uniform sampler2D slopes_texture;
uniform float slopes_rows;
uniform float steepest_slope;
uniform sampler2D poses_texture;
uniform float poses_rows;
const float POSE_RANGE = 2.0;

uniform sampler2D skin_texture;
uniform sampler2D coverage_texture;
uniform sampler2D parts_texture;
uniform sampler2D brow_texture;
uniform sampler2D lipstick_texture;
uniform sampler2D beard_texture;
uniform vec3 brow_color;
uniform float brow_opacity;
uniform float brow_gloss;
uniform vec3 lipstick_color;
uniform float lipstick_opacity;
uniform float lipstick_gloss;
uniform vec3 beard_color;
uniform float beard_opacity;
uniform float beard_gloss;
uniform vec3 skin_tone;
uniform vec3 cloth_color;

uniform vec3 key_direction;
uniform vec3 half_direction;
uniform vec3 fill_direction;
uniform vec3 key_color;
uniform vec3 ambient_color;

varying vec3 facing; // the normal in the world: light is told in the world's axes

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

vec2 pair(vec4 texel) {
	// Two numbers from -1 to 1.
	return vec2(dot(texel.rg, vec2(65280.0, 255.0)), dot(texel.ba, vec2(65280.0, 255.0))) / 32767.5 - 1.0;
}

float offset(vec3 place, float column, float bone) {
	// One row of a bone's matrix times a place.
	vec2 xy = pair(texture(poses_texture, vec2((column + 0.5) / 6.0, bone)));
	vec2 zw = pair(texture(poses_texture, vec2((column + 1.5) / 6.0, bone)));
	return POSE_RANGE * (dot(xy, place.xy) + zw.x * place.z + zw.y);
}

vec3 tilt(mat4 bones, float share, vec3 place, vec3 normal, float index) {
	// The normal of a surface that is turned and stretched, by the matrix of cofactors.
	vec3 x = bones[0].xyz + (1.0 - share) * head_x;
	vec3 y = bones[1].xyz + (1.0 - share) * head_y;
	vec3 z = bones[2].xyz + (1.0 - share) * head_z;
	// Bones that move more of the skin on one side than on the other tilt it, too.
	float row = floor((index + 0.5) / 64.0);
	float column = 8.0 * (index - 64.0 * row);
	for (int k = 0; k < 4; k++) {
		vec2 at = vec2((column + 2.0 * float(k) + 0.5) / 512.0, (row + 0.5) / slopes_rows);
		vec4 last = texture(slopes_texture, at + vec2(1.0 / 512.0, 0.0));
		vec3 slope = steepest_slope * vec3(pair(texture(slopes_texture, at)), pair(last).x);
		float bone = (255.0 * last.a + 0.5) / poses_rows;
		vec3 move = to_world(vec3(offset(place, 0.0, bone), offset(place, 2.0, bone), offset(place, 4.0, bone)));
		x += slope.x * move;
		y += slope.y * move;
		z += slope.z * move;
	}
	return normal.x * cross(y, z) + normal.y * cross(z, x) + normal.z * cross(x, y);
}

void vertex() {
	// WORLD_MATRIX holds the weighted bones. Their weights need not add up to one: the rest stays with the head.
	vec4 moved = WORLD_MATRIX * vec4(VERTEX, 1.0);
	vec3 at_rest = to_world(VERTEX) + head_origin;
	vec3 place = moved.xyz + (1.0 - moved.w) * at_rest;
	// Lids must not sink into the eyeballs.
	place = keep_off(place, at_rest, left_eye);
	place = keep_off(place, at_rest, right_eye);
	facing = tilt(WORLD_MATRIX, moved.w, VERTEX, NORMAL, UV2.y);
	NORMAL = (INV_CAMERA_MATRIX * vec4(facing, 0.0)).xyz;
	VERTEX = (INV_CAMERA_MATRIX * vec4(place, 1.0)).xyz;
}

vec3 srgb_from_linear(vec3 light) {
	// Bright light rolls off; roots are much cheaper than a power.
	vec3 over = max(light - 0.8, 0.0) * 5.0;
	light = min(light, 0.8) + 0.2 - 0.2 / (vec3(1.0) + over + 0.5 * over * over);
	vec3 root2 = sqrt(light);
	vec3 root4 = sqrt(root2);
	return 0.6620027 * root2 + 0.6841221 * root4 - 0.3235836 * sqrt(root4) - 0.0225411 * light;
}

vec4 coat_of(vec3 color, float gloss) {
	// As the skin texture stores it: the square root of a factor on the skin tone, and gloss.
	return vec4(sqrt(clamp(color / skin_tone, 0.0, 1.1) / 1.1), gloss);
}

vec3 shade(vec3 n, vec3 albedo, float gloss, float open) {
	// A key light that bleeds red around the terminator, sky, bounce and a faint rim.
	float key = dot(n, key_direction);
	float fill = max(0.0, dot(n, fill_direction));
	float half_angle = max(0.0, dot(n, half_direction));
	float shadow = 0.25 + 0.75 * open;
	vec3 lit = max(vec3(0.0), (vec3(key) + vec3(0.38, 0.20, 0.14)) / vec3(1.38, 1.20, 1.14)) * shadow;
	float h4 = half_angle * half_angle * half_angle * half_angle;
	float h16 = h4 * h4 * h4 * h4;
	float rim = 1.0 - max(0.0, n.z);
	float shine = gloss * (0.075 * h16 + 0.16 * h16 * h16 * h16) * shadow;
	vec3 open_color = vec3(open + (1.0 - open) * open * 0.35, open, open * open);
	vec3 sky = (vec3(0.36, 0.35, 0.36) + vec3(0.10, 0.12, 0.15) * n.y + vec3(0.16, 0.16, 0.17) * fill) * open_color;
	return albedo * (key_color * 0.86 * lit * lit + ambient_color * sky) + shine * key_color + 0.10 * rim * rim * open * ambient_color;
}

void fragment() {
	float open = COLOR.a;
	bool in_texture = UV.x > 0.001 && UV.x < 0.997 && UV.y > 0.001 && UV.y < 0.997;
	float brow = in_texture ? texture(brow_texture, UV).r : 0.0;
	if (SHOW_PARTS) {
		float covered = max(texture(coverage_texture, UV).r, brow);
		float part = (in_texture && covered > 0.5) ? texture(parts_texture, UV).r : 1.0 / 255.0;
		ALBEDO = vec3(UV2.x > 0.5 ? part : 0.0);
	} else {
		vec3 n = normalize(facing);

		vec4 coat = vec4(COLOR.rgb, 0.42);
		if (in_texture) {
			coat = texture(skin_texture, UV);
			coat = mix(coat, coat_of(beard_color, beard_gloss), texture(beard_texture, UV).r * beard_opacity);
			coat = mix(coat, coat_of(lipstick_color, lipstick_gloss), texture(lipstick_texture, UV).r * lipstick_opacity);
			coat = mix(coat, coat_of(brow_color, brow_gloss), brow * brow_opacity);
		}
		float bare = clamp((UV2.x + 0.5) / 0.024 + 0.5, 0.0, 1.0);
		vec3 albedo = mix(cloth_color, coat.rgb * coat.rgb * 1.1 * skin_tone, bare);
		float gloss = bare * coat.a;
		if (ENGINE_LIGHTS) {
			ALBEDO = srgb_from_linear(albedo) * (0.4 + 0.6 * open);
			ROUGHNESS = 0.62 - 0.25 * gloss;
			SPECULAR = 0.5 * gloss;
		} else {
			ALBEDO = srgb_from_linear(shade(n, albedo, gloss, open));
		}
	}
}
