// Eyeballs: white, iris, pupil and a highlight, drawn by formula on the unit sphere.
shader_type spatial;
render_mode unshaded;

const bool SHOW_PARTS = false;
const bool ENGINE_LIGHTS = false;

uniform vec3 iris_color;
uniform float softness; // size of a pixel on the unit eyeball
uniform vec3 key_direction;
uniform vec3 half_direction;
uniform vec3 key_color;
uniform vec3 ambient_color;

uniform vec3 head_x;
uniform vec3 head_y;
uniform vec3 head_z;

varying vec3 facing;
varying vec3 ball; // place on the unit eyeball
varying float side;

void vertex() {
	ball = NORMAL;
	facing = NORMAL.x * head_x + NORMAL.y * head_y + NORMAL.z * head_z;
	side = VERTEX.x;
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
		ALBEDO = vec3((side > 0.0 ? 4.0 : 5.0) / 255.0);
	} else {
		vec3 n = normalize(facing);
		vec3 at = normalize(ball);
		float radius = length(at.xy);
		float angle = atan(at.y, at.x);
		float fibers = 0.5 + 0.25 * sin(angle * 23.0 + 2.0 * sin(angle * 5.0)) + 0.25 * sin(angle * 41.0 + radius * 30.0);
		float inner = smoothstep(0.165, 0.265, radius);
		float limbus = 1.0 - 0.75 * smoothstep(0.32, 0.42, radius);
		float glow = (0.55 + 0.55 * fibers) * (1.35 - 0.35 * inner) * limbus * (1.0 - 0.5 * at.y);
		float in_iris = 1.0 - smoothstep(0.40 - softness, 0.44 + softness, radius);
		float in_pupil = 1.0 - smoothstep(0.15 - softness, 0.18 + softness, radius);
		float veins = 0.10 * smoothstep(0.55, 1.0, radius);
		vec3 white = vec3(0.68, 0.64, 0.63) - veins * vec3(1.0, 2.2, 2.2);
		vec3 albedo = mix(white, iris_color * glow * (1.0 - in_pupil), in_iris);
		// The upper lid and its lashes shadow the eye.
		float open = 0.42 + 0.58 * smoothstep(0.46, 0.02, at.y);
		float spark = 1.3 * smoothstep(0.9905 - 0.2 * softness, 0.9945, max(0.0, dot(n, half_direction))) * open;
		if (ENGINE_LIGHTS) {
			ALBEDO = srgb_from_linear(albedo * open + spark * key_color);
			ROUGHNESS = 0.2;
			SPECULAR = 0.3;
		} else {
			float key = max(0.0, (dot(n, key_direction) + 0.3) / 1.3);
			float glint = 0.10 * pow(max(0.0, dot(n, half_direction)), 16.0) * open + spark;
			vec3 light = open * (0.45 + 0.55 * n.z) * (0.62 * key * key_color + 0.42 * ambient_color);
			ALBEDO = srgb_from_linear(albedo * light + glint * key_color);
		}
	}
}
