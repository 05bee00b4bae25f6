using System;
using System.Collections.Generic;

namespace F2P.Bridge
{
    /// <summary>
    /// How a character is photographed: section 5 of the protocol. A new Scene is the studio: frontal, fixed light,
    /// plain background.
    /// </summary>
    public sealed class Scene
    {
        private static readonly Dictionary<string, Action<Scene, JsonObject, string>> Readers =
            new Dictionary<string, Action<Scene, JsonObject, string>>
            {
                { "yaw_deg", (scene, members, name) => scene.YawDeg = members.Number(name) },
                { "pitch_deg", (scene, members, name) => scene.PitchDeg = members.Number(name) },
                { "roll_deg", (scene, members, name) => scene.RollDeg = members.Number(name) },
                { "focal_length_mm", (scene, members, name) => scene.FocalLengthMm = Positive(members, name) },
                { "shift_x", (scene, members, name) => scene.ShiftX = members.Number(name) },
                { "shift_y", (scene, members, name) => scene.ShiftY = members.Number(name) },
                { "zoom", (scene, members, name) => scene.Zoom = Positive(members, name) },
                { "light_direction", (scene, members, name) => scene.LightDirection = Triple(members, name) },
                { "light_color", (scene, members, name) => scene.LightColor = Triple(members, name) },
                { "ambient_color", (scene, members, name) => scene.AmbientColor = Triple(members, name) },
                { "skin_tint", (scene, members, name) => scene.SkinTint = Triple(members, name) },
                { "hair_tint", (scene, members, name) => scene.HairTint = Triple(members, name) },
                { "iris_tint", (scene, members, name) => scene.IrisTint = Triple(members, name) },
                { "background_color", (scene, members, name) => scene.BackgroundColor = Triple(members, name) },
            };

        /// <summary>Turned to the picture's right.</summary>
        public double YawDeg { get; set; }

        /// <summary>Turned up.</summary>
        public double PitchDeg { get; set; }

        /// <summary>The crown leans to the picture's right.</summary>
        public double RollDeg { get; set; }
        public double FocalLengthMm { get; set; } = 85.0;

        /// <summary>Fractions of the picture's side; right and up.</summary>
        public double ShiftX { get; set; }
        public double ShiftY { get; set; }
        public double Zoom { get; set; } = 1.0;

        /// <summary>Towards the key light; x right, y up, z to the camera.</summary>
        public double[] LightDirection { get; set; } = { 0.35, 0.45, 0.82 };

        /// <summary>Linear factors on the key and the fill light.</summary>
        public double[] LightColor { get; set; } = { 1.0, 1.0, 1.0 };
        public double[] AmbientColor { get; set; } = { 1.0, 1.0, 1.0 };

        /// <summary>Linear factors on the albedo; hair includes the brows.</summary>
        public double[] SkinTint { get; set; } = { 1.0, 1.0, 1.0 };
        public double[] HairTint { get; set; } = { 1.0, 1.0, 1.0 };
        public double[] IrisTint { get; set; } = { 1.0, 1.0, 1.0 };

        /// <summary>sRGB.</summary>
        public double[] BackgroundColor { get; set; } = { 0.27, 0.30, 0.345 };

        /// <summary>A scene from its JSON members. Throws BadMessageException for a field that the engine does not honour.</summary>
        public static Scene Read(JsonObject members, ICollection<string> honoured)
        {
            var scene = new Scene();
            foreach (string name in members.Names)
            {
                if (!honoured.Contains(name) || !Readers.ContainsKey(name))
                    throw new BadMessageException("scene field '" + name + "' is not one that this engine announced");
                Readers[name](scene, members, name);
            }
            return scene;
        }

        private static double[] Triple(JsonObject members, string name)
        {
            double[] values = members.Numbers(name);
            return values.Length == 3 ? values : throw new BadMessageException("scene field '" + name + "' must be three numbers");
        }

        private static double Positive(JsonObject members, string name)
        {
            double value = members.Number(name);
            return value > 0.0 ? value : throw new BadMessageException("scene field '" + name + "' must be positive");
        }
    }
}
