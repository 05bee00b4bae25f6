using System;

namespace F2P.Sketch
{
    /// <summary>
    /// A picture in linear light and its mask. Outlines are filled with anti-aliased coverage in the picture; in the mask
    /// a pixel belongs to the topmost outline that its center lies in.
    /// </summary>
    internal sealed class Canvas
    {
        /// <summary>What fills an outline: its color fades from the top to the bottom of the outline.</summary>
        internal struct Paint
        {
            /// <summary>Linear RGB.</summary>
            internal double[] Color;
            internal double OpacityTop;
            internal double OpacityBottom;
        }

        private readonly int _side;
        private readonly float[] _light;
        private readonly byte[] _mask;
        private readonly Placement _placement;

        internal Canvas(int side, Placement placement, double[] background)
        {
            _side = side;
            _placement = placement;
            _light = new float[3 * side * side];
            _mask = new byte[side * side];
            for (int index = 0; index < _light.Length; index++) _light[index] = (float)background[index % 3];
        }

        internal byte[] Mask
        {
            get { return _mask; }
        }

        /// <summary>sRGB, top row first.</summary>
        internal byte[] Picture()
        {
            var picture = new byte[_light.Length];
            for (int index = 0; index < picture.Length; index++) picture[index] = Srgb.Encode(_light[index]);
            return picture;
        }

        /// <summary>Fills an outline of the face. Without a part the mask stays: shade, light and make-up.</summary>
        internal void Fill(Path path, Paint paint, byte? part, Path clip)
        {
            Fill(new Outline(path, _placement, _side), paint, part, clip == null ? null : new Outline(clip, _placement, _side));
        }

        /// <summary>Fills a square of the screen, in the top left corner: it moves with neither head nor camera.</summary>
        internal void FillCorner(int sidePx, Paint paint, byte part)
        {
            Path square = Path.Polygon(0, 0, sidePx, 0, sidePx, sidePx, 0, sidePx);
            Fill(new Outline(square, null, _side), paint, part, null);
        }

        private void Fill(Outline outline, Paint paint, byte? part, Outline clip)
        {
            for (int row = outline.FirstRow; row <= outline.LastRow; row++)
            {
                outline.Scan(row);
                if (clip != null) clip.Scan(row);
                double down = (row + 0.5 - outline.Top) / Math.Max(outline.Bottom - outline.Top, 1e-9);
                double opacity = paint.OpacityTop + Math.Min(Math.Max(down, 0.0), 1.0) * (paint.OpacityBottom - paint.OpacityTop);
                if (clip != null) Cut(outline, clip);
                BlendRow(row, outline, paint.Color, (float)opacity);
                if (part.HasValue) MarkRow(row, outline, part.Value);
            }
        }

        private static void Cut(Outline outline, Outline clip)
        {
            for (int column = outline.FirstColumn; column <= outline.LastColumn; column++)
            {
                outline.Coverage[column] *= clip.Coverage[column];
                outline.Inside[column] &= clip.Inside[column];
            }
        }

        private void BlendRow(int row, Outline outline, double[] color, float opacity)
        {
            float red = (float)color[0], green = (float)color[1], blue = (float)color[2];
            float[] coverage = outline.Coverage, light = _light;
            int index = 3 * (row * _side + outline.FirstColumn);
            for (int column = outline.FirstColumn; column <= outline.LastColumn; column++, index += 3)
            {
                float share = coverage[column] < 1f ? coverage[column] * opacity : opacity;
                if (share <= 0f) continue;
                light[index] += share * (red - light[index]);
                light[index + 1] += share * (green - light[index + 1]);
                light[index + 2] += share * (blue - light[index + 2]);
            }
        }

        private void MarkRow(int row, Outline outline, byte part)
        {
            for (int column = outline.FirstColumn; column <= outline.LastColumn; column++)
                if (outline.Inside[column]) _mask[row * _side + column] = part;
        }
    }

    /// <summary>The transfer function between linear light and sRGB bytes (IEC 61966-2-1).</summary>
    internal static class Srgb
    {
        private const int Steps = 16384;
        private static readonly byte[] Table = BuildTable();

        internal static byte Encode(float light)
        {
            int step = (int)(light * Steps + 0.5f);
            return Table[Math.Min(Math.Max(step, 0), Steps)];
        }

        internal static double Decode(double value)
        {
            return value <= 0.04045 ? value / 12.92 : Math.Pow((value + 0.055) / 1.055, 2.4);
        }

        internal static double[] Decode(double red, double green, double blue)
        {
            return new[] { Decode(red), Decode(green), Decode(blue) };
        }

        private static byte[] BuildTable()
        {
            var table = new byte[Steps + 1];
            for (int step = 0; step <= Steps; step++)
            {
                double light = (double)step / Steps;
                double value = light <= 0.0031308 ? 12.92 * light : 1.055 * Math.Pow(light, 1.0 / 2.4) - 0.055;
                table[step] = (byte)(255.0 * value + 0.5);
            }
            return table;
        }
    }
}
