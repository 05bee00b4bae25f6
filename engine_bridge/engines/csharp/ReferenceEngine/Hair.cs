using System;
using F2P.Bridge;

namespace F2P.Sketch
{
    /// <summary>The hairstyles: what lies behind the head, and what falls over it.</summary>
    internal static class Hair
    {
        internal static void DrawBehind(Drawing drawing)
        {
            double wide = drawing.Face["face_width"];
            string style = Style(drawing);
            if (style == "bob") Lock(drawing, 0.28, Path.SmoothSymmetric(0, 112, 60, 100, 90, 50, 96, -10, 92, -62, 70, -84, 40, -70, 0, -60).Scaled(wide, 1));
            if (style == "long") Lock(drawing, 0.28, Path.SmoothSymmetric(0, 114, 58, 104, 88, 55, 92, -20, 100, -90, 98, -150, 60, -158, 0, -120).Scaled(wide, 1));
            if (style == "bun") Lock(drawing, 0.12, Path.Ellipse(4, 110, 29, 24));
            if (style == "curls") DrawCurls(drawing, wide);
        }

        internal static void DrawFront(Drawing drawing)
        {
            double wide = drawing.Face["face_width"];
            switch (Style(drawing))
            {
                case "buzz_cut": DrawBuzzCut(drawing, wide); break;
                case "side_part": DrawSidePart(drawing, wide); break;
                case "bob": DrawBob(drawing, wide); break;
                case "long": DrawLong(drawing, wide); break;
                case "curls": DrawCurlyFringe(drawing, wide); break;
                case "bun": DrawBun(drawing, wide); break;
            }
        }

        private static string Style(Drawing drawing)
        {
            return SketchSchema.Face.Choices[0].Choices[drawing.Face.Chosen("hairstyle")];
        }

        private static void Lock(Drawing drawing, double shade, Path path)
        {
            drawing.Fill(path, drawing.Colors.Hair(shade), Part.Hair);
        }

        private static void Shine(Drawing drawing, Path path, Path hair)
        {
            drawing.Tint(path, drawing.Colors.Hair(-0.5), 0.55, hair); // more light than the key light alone gives
        }

        private static void DrawBuzzCut(Drawing drawing, double wide)
        {
            Path cap = Path.SmoothSymmetric(0, 104, 44, 96, 69, 64, 74, 24, 70, 8, 66, 26, 60, 52, 44, 68, 20, 74, 0, 75).Scaled(wide, 1);
            Lock(drawing, 0.08, cap);
            Shine(drawing, Path.Smooth(-6, 92, 28, 92, 56, 66, 62, 52, 44, 72, 20, 82), cap);
        }

        private static void DrawSidePart(Drawing drawing, double wide)
        {
            Path sides = Path.SmoothSymmetric(0, 106, 48, 100, 74, 66, 77, 24, 73, -2, 68, 12, 64, 44, 40, 72, 0, 78).Scaled(wide, 1);
            Lock(drawing, 0.25, sides);
            Path sweep = Path.Smooth(-62, 46, -70, 76, -48, 112, 0, 126, 48, 116, 74, 84, 76, 50, 66, 44, 60, 60, 40, 66, 4, 60, -26, 66, -46, 62).Scaled(wide, 1);
            Lock(drawing, 0.0, sweep);
            Shine(drawing, Path.Smooth(-20, 100, 16, 112, 52, 100, 60, 84, 30, 96, 0, 96), sweep);
            Strand(drawing, sweep, -50, 62, -30, 92, 10, 108, 40, 100);
            Strand(drawing, sweep, -10, 62, 12, 84, 44, 90, 68, 66);
        }

        private static void DrawBob(Drawing drawing, double wide)
        {
            Path fringe = Path.Smooth(-78, 20, -80, 70, -46, 106, 0, 114, 46, 106, 80, 70, 78, 20, 69, 30, 56, 43, 28, 40, 0, 43, -28, 40, -56, 43, -69, 30).Scaled(wide, 1);
            Path side = Path.Smooth(66, 50, 82, 60, 95, 0, 92, -60, 80, -80, 68, -70, 73, -30, 71, 10).Scaled(wide, 1);
            Lock(drawing, 0.05, side);
            Lock(drawing, 0.14, side.Mirrored());
            Lock(drawing, 0.0, fringe);
            Shine(drawing, Path.Smooth(-50, 78, 0, 90, 56, 78, 66, 66, 52, 64, 0, 76, -52, 66), fringe);
            Strand(drawing, fringe, -34, 40, -36, 60, -26, 90, -8, 108);
            Strand(drawing, fringe, 14, 42, 16, 62, 12, 90, 4, 108);
        }

        private static void DrawLong(Drawing drawing, double wide)
        {
            Path side = Path.Smooth(-2, 112, 46, 108, 80, 70, 84, 10, 92, -60, 98, -120, 84, -140, 72, -100, 76, -40, 71, 10, 60, 46, 30, 78, 0, 92).Scaled(wide, 1);
            Lock(drawing, 0.12, side.Mirrored());
            Lock(drawing, 0.0, side);
            Shine(drawing, Path.Smooth(10, 98, 44, 92, 70, 62, 74, 44, 62, 58, 38, 82), side);
            Strand(drawing, side, 4, 98, 52, 74, 78, 10, 84, -80);
            Strand(drawing, side.Mirrored(), -4, 98, -52, 74, -78, 10, -84, -80);
        }

        private static void DrawCurls(Drawing drawing, double wide)
        {
            for (int curl = 0; curl < 17; curl++)
            {
                double angle = Math.PI * (-0.16 + 1.32 * curl / 16), reach = curl % 2 == 0 ? 1.0 : 0.93;
                Lock(drawing, 0.18 + 0.10 * (curl % 3), Path.Ellipse(wide * 86 * reach * Math.Cos(angle), 36 + 80 * reach * Math.Sin(angle), 24, 23));
            }
            Lock(drawing, 0.22, Path.Ellipse(0, 42, wide * 82, 76));
        }

        private static void DrawCurlyFringe(Drawing drawing, double wide)
        {
            Lock(drawing, 0.12, Path.SmoothSymmetric(0, 112, 50, 100, 78, 60, 78, 40, 62, 52, 36, 76, 0, 84).Scaled(wide, 1));
            for (int curl = 0; curl < 9; curl++)
            {
                double angle = Math.PI * (0.06 + 0.88 * curl / 8);
                Path round = Path.Ellipse(wide * 66 * Math.Cos(angle), 42 + 42 * Math.Sin(angle), 19, 17);
                Lock(drawing, 0.02 + 0.10 * (curl % 2), round);
                Shine(drawing, Path.Ellipse(wide * 66 * Math.Cos(angle) + 5, 49 + 42 * Math.Sin(angle), 9, 6), round);
            }
        }

        private static void DrawBun(Drawing drawing, double wide)
        {
            Path cap = Path.SmoothSymmetric(0, 108, 46, 101, 74, 66, 77, 26, 71, 10, 67, 34, 52, 62, 24, 78, 0, 82).Scaled(wide, 1);
            Lock(drawing, 0.0, cap);
            Shine(drawing, Path.Smooth(-10, 96, 30, 98, 60, 70, 66, 50, 50, 72, 20, 88), cap);
            Strand(drawing, cap, -62, 44, -50, 76, -26, 96, 0, 106);
            Strand(drawing, cap, 62, 44, 50, 76, 26, 96, 2, 106);
            drawing.Tint(Path.Stroke(new[] { 0.5, 2.5, 2.5, 0.5 }, -21, 108, -8, 103.5, 12, 103.5, 28, 108), drawing.Colors.Lip(), 1.0);
        }

        private static void Strand(Drawing drawing, Path hair, params double[] points)
        {
            drawing.Tint(Path.Stroke(new[] { 0.3, 2.2, 1.8, 0.3 }, points), drawing.Colors.Hair(0.6), 0.5, hair);
        }
    }
}
