using F2P.Bridge;

namespace F2P.Sketch
{
    /// <summary>Shoulders, neck, ears and the face itself.</summary>
    internal static class Head
    {
        /// <summary>The outline of the face: hairs, shades and blush are cut along it.</summary>
        internal static Path Outline(FaceState face)
        {
            double wide = face["face_width"], cheek = face["cheek_fullness"], jaw = face["jaw_width"], chin = face["chin_length"];
            return Path.SmoothSymmetric(
                0, 98,
                wide * 42, 90,
                wide * 66, 60,
                wide * 71, 20,
                wide * 69 + 0.7 * cheek, -12,
                wide * 62 + cheek + 0.5 * jaw, -40,
                wide * 48 + 0.5 * cheek + jaw, -66 - 0.3 * chin,
                wide * 23 + 0.7 * jaw, -88 - 0.8 * chin,
                0, -94 - chin);
        }

        internal static void DrawBody(Drawing drawing)
        {
            Palette colors = drawing.Colors;
            Path shirt = Path.SmoothSymmetric(0, -128, 40, -122, 88, -136, 122, -160, 140, -230, 70, -260, 0, -262);
            drawing.Fill(shirt, colors.Shirt(), Part.Background);
            Path neck = Path.SmoothSymmetric(0, -40, 30, -45, 32, -80, 33, -112, 44, -126, 22, -141, 0, -146);
            drawing.Fill(neck, colors.Skin(0.12), Part.FaceSkin);
            Path underChin = Outline(drawing.Face).Moved(-3, -17);
            drawing.Tint(underChin, colors.Skin(0.42), 1.0, neck);
        }

        internal static void DrawEars(Drawing drawing)
        {
            double wide = drawing.Face["face_width"], size = drawing.Face["ear_size"];
            Path ear = Path.Smooth(-4, 14, 6, 20, 13, 14, 12, 0, 7, -14, 0, -20, -5, -8).Scaled(size, size).Moved(wide * 70, 2);
            Path inner = Path.Smooth(0, 9, 5, 12, 8, 6, 6, -4, 2, -10, 0, -2).Scaled(size, size).Moved(wide * 70, 2);
            drawing.Fill(ear, drawing.Colors.Skin(0.04), Part.FaceSkin);
            drawing.Tint(inner, drawing.Colors.Skin(0.30), 0.8);
            drawing.Fill(ear.Mirrored(), drawing.Colors.Skin(0.16), Part.FaceSkin);
            drawing.Tint(inner.Mirrored(), drawing.Colors.Skin(0.36), 0.8);
        }

        internal static void DrawFace(Drawing drawing)
        {
            Palette colors = drawing.Colors;
            Path outline = Outline(drawing.Face);
            drawing.Fill(outline, colors.Skin(), Part.FaceSkin);
            // The key light comes from the picture's right: the far side of the face lies in shade.
            Path lit = outline.Moved(13, 2);
            Path everything = Path.Polygon(-150, 150, 150, 150, 150, -150, -150, -150);
            drawing.Tint(Path.Polygon(-150, 60, -40, 70, -58, -10, -40, -60, 6, -110, -150, -120), colors.Skin(0.24), 0.45, outline);
            drawing.Tint(lit, colors.Skin(), 0.75, outline);
            drawing.Fade(everything, colors.Skin(0.5), 0.0, 0.30, outline);
            DrawBlush(drawing, outline);
        }

        private static void DrawBlush(Drawing drawing, Path outline)
        {
            double wide = drawing.Face["face_width"];
            for (int ring = 0; ring < 4; ring++)
            {
                Path cheek = Path.Ellipse(wide * 45, -24, 19 - 4 * ring, 13 - 2.7 * ring);
                drawing.Tint(cheek, drawing.Colors.Blush(), 0.09, outline);
                drawing.Tint(cheek.Mirrored(), drawing.Colors.Blush(), 0.09, outline);
            }
        }
    }
}
