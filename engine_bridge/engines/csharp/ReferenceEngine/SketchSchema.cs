using F2P.Bridge;

namespace F2P.Sketch
{
    /// <summary>The one character that this engine draws.</summary>
    internal static class SketchSchema
    {
        internal static readonly Schema Face = new Schema(
            "sketch_face",
            "Sketch (flat-shaded)",
            "sketch",
            new[]
            {
                Slider("face_width", "face", 0.88, 1.14, 1.0),
                Slider("cheek_fullness", "cheek", -5.0, 6.0, 0.0),
                Slider("jaw_width", "jaw", -10.0, 10.0, 0.0),
                Slider("chin_length", "chin", -9.0, 10.0, 0.0),
                Slider("ear_size", "ear", 0.7, 1.4, 1.0),
                Slider("brow_height", "brow", -4.0, 7.0, 0.0),
                Slider("brow_tilt", "brow", -14.0, 14.0, 0.0),
                Slider("eye_size", "eye", 0.82, 1.25, 1.0),
                Slider("eye_spacing", "eye", -4.0, 5.0, 0.0),
                Slider("eye_height", "eye", -6.0, 6.0, 0.0),
                Slider("eye_tilt", "eye", -10.0, 12.0, 3.0),
                Slider("eye_openness", "eye", 0.55, 1.2, 1.0),
                Slider("nose_length", "nose", -7.0, 8.0, 0.0),
                Slider("nose_width", "nose", 0.75, 1.35, 1.0),
                Slider("mouth_width", "mouth", 0.75, 1.3, 1.0),
                Slider("mouth_height", "mouth", -6.0, 6.0, 0.0),
                Slider("mouth_open", "mouth", 0.0, 12.0, 1.5),
                Slider("smile", "mouth", -6.0, 8.0, 2.5),
                Slider("lip_fullness", "mouth", 0.6, 1.5, 1.0),
                Slider("skin_tone", "color", 0.0, 1.0, 0.8),
                Slider("hair_tone", "color", 0.0, 1.0, 0.25),
            },
            new[]
            {
                Choice("hairstyle", "hair", "buzz_cut", "side_part", "bob", "long", "curls", "bun"),
                Choice("brow_style", "brow", "soft", "straight", "arched", "bushy"),
                Choice("lip_color", "mouth", "natural", "rose", "crimson", "plum", "coral"),
            });

        private static Slider Slider(string name, string group, double minimum, double maximum, double usual)
        {
            return new Slider { Name = name, Group = group, Bone = name, Controller = "value", Minimum = minimum, Maximum = maximum, Default = usual };
        }

        private static Choice Choice(string name, string group, params string[] choices)
        {
            return new Choice { Name = name, Group = group, Choices = choices, Default = choices[0] };
        }
    }
}
