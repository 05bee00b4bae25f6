using System;
using F2P.Bridge;

namespace F2P.Sketch
{
    /// <summary>Eyes, brows, nose and mouth. Paths are made for the person's left side (the picture's right) and mirrored.</summary>
    internal static class Features
    {
        // Per brow style: height of the arch, thickness at the inner end, in the middle, at the outer end; length.
        private static readonly double[][] BrowStyles =
        {
            new[] { 6.0, 4.5, 5.5, 1.5, 1.0 },
            new[] { 1.0, 6.0, 6.0, 3.5, 1.0 },
            new[] { 12.0, 3.0, 4.5, 0.8, 1.08 },
            new[] { 5.0, 10.0, 11.0, 5.5, 1.05 },
        };

        internal static void DrawEyes(Drawing drawing)
        {
            DrawEye(drawing, false);
            DrawEye(drawing, true);
        }

        internal static void DrawBrows(Drawing drawing)
        {
            Path brow = Brow(drawing.Face);
            drawing.Fill(brow, drawing.Colors.Hair(0.10), Part.LeftBrow);
            drawing.Fill(brow.Mirrored(), drawing.Colors.Hair(0.16), Part.RightBrow);
        }

        internal static void DrawNose(Drawing drawing)
        {
            double wide = drawing.Face["nose_width"], tip = -27 - drawing.Face["nose_length"];
            Palette colors = drawing.Colors;
            Path nose = Path.SmoothSymmetric(
                0, 16, 5.5, 12, 5 + 1.5 * wide, -8, 7.5 * wide, tip + 9, 15.5 * wide, tip + 1, 15 * wide, tip - 6, 8 * wide, tip - 9, 0, tip - 12);
            drawing.Fill(nose, colors.Skin(), Part.Nose);
            drawing.Fade(nose, colors.Blush(), 0.02, 0.42);
            Path shade = Path.Smooth(-5, 15, -1.5 * wide, -8, -4 * wide, tip + 6, -7 * wide, tip - 12, -20 * wide, tip - 12, -18 * wide, tip + 6, -9 * wide, -8);
            drawing.Fade(shade, colors.Skin(0.45), 0.25, 0.55, nose);
            drawing.Fade(Path.Ellipse(0, tip - 13, 13 * wide, 6.5), colors.Skin(0.55), 0.25, 0.75, nose);
            Path nostril = Path.Ellipse(0, 0, 3.4 * wide, 1.9).Turned(-14).Moved(7.2 * wide, tip - 7);
            drawing.Tint(nostril, colors.Dark(), 0.72, nose);
            drawing.Tint(nostril.Mirrored(), colors.Dark(), 0.72, nose);
            drawing.Tint(Path.Ellipse(2.5, tip + 1, 4.2, 3.2), colors.White(), 0.33, nose);
            drawing.Tint(Path.Ellipse(1.8, (10 + tip) / 2, 1.5, 9), colors.White(), 0.16, nose);
        }

        internal static void DrawMouth(Drawing drawing)
        {
            Mouth mouth = new Mouth(drawing.Face);
            Palette colors = drawing.Colors;
            drawing.Fill(mouth.Inner, colors.Mouth(), Part.InnerMouth);
            drawing.Tint(mouth.Teeth, colors.White(0.08), 1.0, mouth.Inner);
            drawing.Fill(mouth.Lower, colors.Lip(), Part.LowerLip);
            drawing.Fill(mouth.Upper, colors.Lip(0.22), Part.UpperLip);
            drawing.Tint(mouth.Gloss, colors.White(), 0.28, mouth.Lower);
            drawing.Tint(mouth.Line, colors.Mouth(), 0.65, mouth.Line);
            drawing.Fade(mouth.ShadeBelow, colors.Skin(0.5), 0.5, 0.1);
        }

        private static Path Brow(FaceState face)
        {
            double[] style = BrowStyles[face.Chosen("brow_style")];
            double arch = style[0], length = style[4];
            Path brow = Path.Stroke(
                new[] { 0.35 * style[1], style[1], 0.5 * (style[1] + style[2]), style[2], style[3] + 1.0, 0.3 },
                -19, -1, -8, 0.55 * arch, 4, 0.95 * arch, 13, 0.75 * arch, 21 * length, -1.5);
            double x = 34 + face["eye_spacing"], y = 29 + face["brow_height"] + 0.4 * face["eye_height"];
            return brow.Turned(face["brow_tilt"]).Moved(x, y);
        }

        private static void DrawEye(Drawing drawing, bool mirrored)
        {
            FaceState face = drawing.Face;
            Palette colors = drawing.Colors;
            double size = face["eye_size"], x = 33 + face["eye_spacing"], y = 6 + face["eye_height"];
            double open = size * face["eye_openness"], tilt = face["eye_tilt"];
            Func<Path, Path> place = path => Side(path.Turned(tilt).Moved(x, y), mirrored);
            Path white = place(Path.Smooth(-17, -3, -11, 4, -2, 8.5, 7, 8, 14.5, 3, 17, -0.5, 11, -5, 2, -7.5, -8, -6.5).Scaled(size, open));
            drawing.Fill(white, colors.White(mirrored ? 0.10 : 0.03), mirrored ? Part.RightEye : Part.LeftEye);
            DrawIris(drawing, Side(Path.Ellipse(x, y + 0.6 * open, 0.01, 0.01), mirrored).X[0], y + 0.8 * open, size, white);
            Path shade = place(Path.Smooth(-19, -2, -11, 4.5, -2, 9, 8, 8.5, 18, 1, 18, 12, 0, 16, -18, 10).Scaled(size, open).Moved(0, -2.6 * open));
            drawing.Tint(shade, colors.Dark(), 0.30, white);
            Path lashes = Path.Stroke(
                new[] { 0.6, 1.6, 2.6, 3.2, 3.4, 0.4 },
                -17.5 * size, -3.5 * open, -11 * size, 4.2 * open, -2 * size, 8.8 * open, 7 * size, 8.3 * open, 14.5 * size, 3.2 * open, 20 * size, 2.5 * open + 1);
            drawing.Tint(place(lashes), colors.Dark(), 0.92);
            Path crease = Path.Stroke(new[] { 0.2, 1.3, 1.3, 0.2 }, -13 * size, 7 * open, -3 * size, 13 * open, 8 * size, 12.5 * open, 17 * size, 6.5 * open);
            drawing.Tint(place(crease), colors.Skin(0.60), 0.7);
            Path lower = Path.Stroke(new[] { 0.2, 0.9, 1.1, 0.3 }, -9 * size, -6.8 * open, 2 * size, -8 * open, 11 * size, -5.4 * open, 16.5 * size, -0.8 * open);
            drawing.Tint(place(lower), colors.Skin(0.72), 0.8);
        }

        private static void DrawIris(Drawing drawing, double x, double y, double size, Path white)
        {
            Palette colors = drawing.Colors;
            drawing.Tint(Path.Ellipse(x, y, 8.3 * size, 8.3 * size), colors.Iris(0.75), 1.0, white);
            drawing.Tint(Path.Ellipse(x, y, 7.3 * size, 7.3 * size), colors.Iris(0.30), 1.0, white);
            drawing.Tint(Path.Ellipse(x, y - 2.4 * size, 5.6 * size, 4.4 * size), colors.Iris(), 0.8, white);
            drawing.Tint(Path.Ellipse(x, y, 3.7 * size, 3.7 * size), colors.Dark(), 1.0, white);
            drawing.Tint(Path.Ellipse(x + 2.9 * size, y + 3.1 * size, 2.1 * size, 2.1 * size), colors.White(), 0.95, white);
            drawing.Tint(Path.Ellipse(x - 2.6 * size, y - 2.9 * size, 1.1 * size, 1.1 * size), colors.White(), 0.55, white);
        }

        private static Path Side(Path path, bool mirrored)
        {
            return mirrored ? path.Mirrored() : path;
        }
    }
}
