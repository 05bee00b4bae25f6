using F2P.Bridge;

namespace F2P.Sketch
{
    /// <summary>
    /// The colors of one character in one light, linear RGB. Two lights shine on everything alike: the key light, which
    /// shade takes away, and the fill light, which it does not.
    /// </summary>
    internal sealed class Palette
    {
        private const double Fill = 0.25;

        // The ends of the two tone sliders, sRGB.
        private static readonly double[] DarkSkin = { 0.40, 0.22, 0.13 }, FairSkin = { 1.0, 0.86, 0.75 };
        private static readonly double[] DarkHair = { 0.14, 0.10, 0.11 }, FairHair = { 0.92, 0.70, 0.38 };
        private static readonly double[][] LipColors =
        {
            null, // the skin's own
            Srgb.Decode(0.91, 0.47, 0.52),
            Srgb.Decode(0.74, 0.10, 0.17),
            Srgb.Decode(0.48, 0.15, 0.35),
            Srgb.Decode(0.96, 0.45, 0.32),
        };

        private readonly Scene _scene;
        private readonly double[] _skin, _hair, _lip;

        internal Palette(FaceState face, Scene scene)
        {
            _scene = scene;
            _skin = Times(Mix(DarkSkin, FairSkin, face["skin_tone"]), scene.SkinTint);
            _hair = Times(Mix(DarkHair, FairHair, face["hair_tone"]), scene.HairTint);
            _lip = LipColors[face.Chosen("lip_color")] ?? Times(_skin, new[] { 0.82, 0.52, 0.50 });
        }

        internal double[] Skin(double shade = 0.0) { return Lit(_skin, shade); }

        internal double[] Blush() { return Lit(Times(_skin, new[] { 1.0, 0.50, 0.48 }), 0.0); }

        internal double[] Hair(double shade = 0.0) { return Lit(_hair, shade); }

        internal double[] Lip(double shade = 0.0) { return Lit(_lip, shade); }

        internal double[] Mouth() { return Lit(Srgb.Decode(0.36, 0.08, 0.10), 0.0); }

        internal double[] Iris(double shade = 0.0) { return Lit(Times(Srgb.Decode(0.26, 0.52, 0.56), _scene.IrisTint), shade); }

        internal double[] White(double shade = 0.0) { return Lit(Srgb.Decode(0.97, 0.96, 0.94), shade); }

        internal double[] Dark() { return Lit(Srgb.Decode(0.13, 0.08, 0.09), 0.0); }

        internal double[] Shirt(double shade = 0.0) { return Lit(Srgb.Decode(0.22, 0.42, 0.56), shade); }

        private double[] Lit(double[] albedo, double shade)
        {
            var color = new double[3];
            for (int channel = 0; channel < 3; channel++)
            {
                double light = (1.0 - Fill) * (1.0 - shade) * _scene.LightColor[channel] + Fill * _scene.AmbientColor[channel];
                color[channel] = albedo[channel] * light;
            }
            return color;
        }

        private static double[] Mix(double[] from, double[] to, double share)
        {
            double rest = 1.0 - share;
            return Srgb.Decode(rest * from[0] + share * to[0], rest * from[1] + share * to[1], rest * from[2] + share * to[2]);
        }

        private static double[] Times(double[] color, double[] factors)
        {
            return new[] { color[0] * factors[0], color[1] * factors[1], color[2] * factors[2] };
        }
    }
}
