using System;
using System.Collections.Generic;

namespace F2P.Sketch
{
    /// <summary>A closed outline of points in millimetres of the face: x to the picture's right, y up, (0, 0) in the middle.</summary>
    internal sealed class Path
    {
        private const int StepsPerCurve = 8;

        internal readonly List<double> X = new List<double>();
        internal readonly List<double> Y = new List<double>();

        internal int Count
        {
            get { return X.Count; }
        }

        internal void Add(double x, double y)
        {
            X.Add(x);
            Y.Add(y);
        }

        internal static Path Polygon(params double[] points)
        {
            var path = new Path();
            for (int index = 0; index < points.Length; index += 2) path.Add(points[index], points[index + 1]);
            return path;
        }

        internal static Path Ellipse(double x, double y, double radiusX, double radiusY)
        {
            var path = new Path();
            for (int step = 0; step < 48; step++)
            {
                double angle = 2.0 * Math.PI * step / 48;
                path.Add(x + radiusX * Math.Cos(angle), y + radiusY * Math.Sin(angle));
            }
            return path;
        }

        /// <summary>A smooth closed curve through the points (Catmull-Rom).</summary>
        internal static Path Smooth(params double[] points)
        {
            Path corners = Polygon(points), path = new Path();
            int count = corners.Count;
            for (int index = 0; index < count; index++)
                path.AddCurve(corners, (index + count - 1) % count, index, (index + 1) % count, (index + 2) % count);
            return path;
        }

        /// <summary>Smooth through points of the right half, from the top to the bottom, and through their mirror images.</summary>
        internal static Path SmoothSymmetric(params double[] half)
        {
            var points = new List<double>(half);
            for (int index = half.Length - 2; index >= 0; index -= 2)
            {
                if (Math.Abs(half[index]) < 1e-9) continue;
                points.Add(-half[index]);
                points.Add(half[index + 1]);
            }
            return Smooth(points.ToArray());
        }

        /// <summary>A brush stroke along a smooth open curve; one width per point, 0 for a pointed end.</summary>
        internal static Path Stroke(double[] widths, params double[] points)
        {
            Path corners = Polygon(points), line = new Path();
            int last = corners.Count - 1;
            for (int index = 0; index < last; index++)
                line.AddCurve(corners, Math.Max(index - 1, 0), index, index + 1, Math.Min(index + 2, last));
            line.Add(corners.X[last], corners.Y[last]);
            return line.Thicken(widths);
        }

        internal Path Mirrored()
        {
            return Map((x, y) => -x, (x, y) => y);
        }

        internal Path Moved(double dx, double dy)
        {
            return Map((x, y) => x + dx, (x, y) => y + dy);
        }

        internal Path Scaled(double scaleX, double scaleY)
        {
            return Map((x, y) => scaleX * x, (x, y) => scaleY * y);
        }

        /// <summary>Turned about (0, 0), counter-clockwise.</summary>
        internal Path Turned(double degrees)
        {
            double cos = Math.Cos(degrees * Math.PI / 180.0), sin = Math.Sin(degrees * Math.PI / 180.0);
            return Map((x, y) => cos * x - sin * y, (x, y) => sin * x + cos * y);
        }

        private Path Map(Func<double, double, double> mapX, Func<double, double, double> mapY)
        {
            var path = new Path();
            for (int index = 0; index < Count; index++) path.Add(mapX(X[index], Y[index]), mapY(X[index], Y[index]));
            return path;
        }

        private void AddCurve(Path corners, int before, int from, int to, int after)
        {
            for (int step = 0; step < StepsPerCurve; step++)
            {
                double t = (double)step / StepsPerCurve;
                Add(Between(corners.X[before], corners.X[from], corners.X[to], corners.X[after], t),
                    Between(corners.Y[before], corners.Y[from], corners.Y[to], corners.Y[after], t));
            }
        }

        private static double Between(double before, double from, double to, double after, double t)
        {
            double start = 0.5 * (to - before), end = 0.5 * (after - from), change = to - from;
            return from + t * (start + t * (3 * change - 2 * start - end + t * (start + end - 2 * change)));
        }

        private Path Thicken(double[] widths)
        {
            Path left = new Path(), right = new Path();
            for (int index = 0; index < Count; index++)
            {
                int before = Math.Max(index - 1, 0), after = Math.Min(index + 1, Count - 1);
                double dx = X[after] - X[before], dy = Y[after] - Y[before];
                double half = 0.5 * WidthAt(widths, (double)index / (Count - 1)) / Math.Sqrt(dx * dx + dy * dy);
                left.Add(X[index] - half * dy, Y[index] + half * dx);
                right.Add(X[index] + half * dy, Y[index] - half * dx);
            }
            for (int index = right.Count - 1; index >= 0; index--) left.Add(right.X[index], right.Y[index]);
            return left;
        }

        private static double WidthAt(double[] widths, double t)
        {
            double at = t * (widths.Length - 1);
            int index = Math.Min((int)at, widths.Length - 2);
            return widths[index] + (at - index) * (widths[index + 1] - widths[index]);
        }
    }
}
