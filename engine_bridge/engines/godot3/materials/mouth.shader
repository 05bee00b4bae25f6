// Teeth, tongue and gums: vertex colours.
shader_type spatial;
render_mode unshaded, skip_vertex_transform;

const bool SHOW_PARTS = false;
const bool ENGINE_LIGHTS = false;

// The head in the world. Four vectors, for Godot 3.2 sends a turned mat4 wrongly.
uniform vec3 head_x;
uniform vec3 head_y;
uniform vec3 head_z;
uniform vec3 head_origin;
uniform vec3 key_direction;
uniform vec3 half_direction;
uniform vec3 key_color;
uniform vec3 ambient_color;

varying vec3 facing;

vec3 to_world(vec3 v) {
	return v.x * head_x + v.y * head_y + v.z * head_z;
}

void vertex() {
	vec4 moved = WORLD_MATRIX * vec4(VERTEX, 1.0);
	vec3 place = moved.xyz + (1.0 - moved.w) * (to_world(VERTEX) + head_origin);
	facing = to_world(NORMAL);
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
		ALBEDO = vec3(8.0 / 255.0);
	} else {
		vec3 n = normalize(facing);
		vec3 albedo = 1.1 * COLOR.rgb * COLOR.rgb;
		float open = COLOR.a;
		if (ENGINE_LIGHTS) {
			ALBEDO = srgb_from_linear(albedo) * (0.2 + 0.8 * open);
			ROUGHNESS = 0.35;
			SPECULAR = 0.4;
		} else {
			float shadow = 0.25 + 0.75 * open;
			float lit = max(0.0, (dot(n, key_direction) + 0.25) / 1.25) * shadow;
			float shine = 0.08 * pow(max(0.0, dot(n, half_direction)), 24.0) * shadow;
			ALBEDO = srgb_from_linear(albedo * (key_color * 0.86 * lit * lit + ambient_color * (0.38 + 0.1 * n.y) * open) + shine * key_color);
		}
	}
}
