// Hair cards: streaks across, darker roots, two highlights along the strands (Kajiya and Kay).
shader_type spatial;
render_mode unshaded, cull_disabled, skip_vertex_transform;

const bool SHOW_PARTS = false;
const bool ENGINE_LIGHTS = false;

// The head in the world. Four vectors, for Godot 3.2 sends a turned mat4 wrongly.
uniform vec3 head_x;
uniform vec3 head_y;
uniform vec3 head_z;
uniform vec3 head_origin;
uniform sampler2D strands_texture;
uniform vec3 root_color;
uniform vec3 tip_color;
uniform float fineness; // strength of the finest streaks
uniform vec3 key_direction;
uniform vec3 half_direction;
uniform vec3 key_color;
uniform vec3 ambient_color;

varying vec3 facing;
varying vec3 strand;

vec3 to_world(vec3 v) {
	return v.x * head_x + v.y * head_y + v.z * head_z;
}

void vertex() {
	vec4 moved = WORLD_MATRIX * vec4(VERTEX, 1.0);
	vec3 place = moved.xyz + (1.0 - moved.w) * (to_world(VERTEX) + head_origin);
	facing = to_world(NORMAL);
	facing = facing.z < 0.0 ? -facing : facing; // cards have two sides
	strand = to_world(TANGENT);
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

void fragment() {
	if (SHOW_PARTS) {
		ALBEDO = vec3(10.0 / 255.0);
	} else {
		vec3 n = normalize(facing);
		vec3 t = normalize(strand);
		float open = COLOR.a;
		float along = UV.y;
		float broad = texture(strands_texture, vec2((UV.x * 3.1 + UV.y * 2.3) / 256.0, 0.5)).r - 0.5;
		float fine = (texture(strands_texture, vec2((UV.x * 19.0 + UV.y * 5.0) / 256.0, 0.5)).r - 0.5) * fineness;
		float streak = max(0.2, (1.0 + 0.38 * broad + 0.55 * fine) * (0.80 + 0.20 * min(1.0, 3.0 * along)));
		vec3 albedo = mix(root_color, tip_color, along * along) * streak;
		if (ENGINE_LIGHTS) {
			ALBEDO = srgb_from_linear(albedo) * (0.35 + 0.65 * open);
			ROUGHNESS = 0.45;
			SPECULAR = 0.35 * open;
		} else {
			float key = dot(n, key_direction);
			float cos_key = dot(t, key_direction);
			float cos_half = dot(t, half_direction);
			float bend = 0.10 * broad + 0.12 * fine;
			float sin_key = sqrt(max(0.0, 1.0 - cos_key * cos_key));
			float first = cos_half + bend - 0.06;
			float second = cos_half + bend + 0.12;
			float white = max(0.0, 1.0 - first * first);
			float tinted = max(0.0, 1.0 - second * second);
			white = white * white * white * white;
			white = white * white * white * white;
			tinted = tinted * tinted * tinted * tinted;
			tinted = tinted * tinted;
			float wrapped = max(0.0, (key + 0.45) / 1.45);
			float shadow = 0.30 + 0.70 * open;
			float glint = wrapped * shadow * (1.0 + 0.9 * broad + 1.3 * fine);
			float diffuse = (0.30 + 0.70 * sin_key) * wrapped * shadow;
			float sky = (0.42 + 0.16 * n.y) * open;
			vec3 light = key_color * (albedo * 0.9 * (diffuse + tinted * glint) + vec3(0.05 * white * glint)) + ambient_color * albedo * sky;
			ALBEDO = srgb_from_linear(light);
		}
	}
}
