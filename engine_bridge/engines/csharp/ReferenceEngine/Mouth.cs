using System;

namespace F2P.Sketch
{
    /// <summary>The outlines of a mouth. The lips meet at the corners; t runs from -1 (the picture's left corner) to 1.</summary>
    internal sealed class Mouth
    {
        private const int Steps = 32;

        internal readonly Path Upper, Lower, Inner, Teeth, Gloss, Line, ShadeBelow;

        private readonly double _halfWidth, _y, _smile, _open, _full;

        internal Mouth(FaceState face)
        {
            _halfWidth = 25 * face["mouth_width"];
            _y = -59 + face["mouth_height"] - 0.35 * face["chin_length"];
            _smile = face["smile"];
            _open = face["mouth_open"];
            _full = face["lip_fullness"];
            Inner = Between(UpperEdge, LowerEdge, 1.0);
            Upper = Between(Bow, UpperEdge, 1.0);
            Lower = Between(LowerEdge, Bottom, 1.0);
            Teeth = Between(UpperEdge, t => UpperEdge(t) - Math.Min(0.55 * _open, 5.0) * (1 - t * t), 0.86);
            Gloss = Path.Ellipse(5, _y - 0.5 * _open - 5.2 * _full, 6.5, 1.7 * _full);
            Line = Between(t => Middle(t) + 0.55, t => Middle(t) - 0.55, 1.04);
            ShadeBelow = Path.Ellipse(0, Bottom(0) - 5, 12, 2.6);
        }

        private double Middle(double t) { return _y + _smile * t * t; }

        private double UpperEdge(double t) { return Middle(t) + 0.4 * _open * (1 - t * t); }

        private double LowerEdge(double t) { return Middle(t) - 0.6 * _open * (1 - t * t); }

        /// <summary>Cupid's bow: two peaks beside a dip.</summary>
        private double Bow(double t)
        {
            double dip = Math.Exp(-t * t / 0.02);
            return UpperEdge(t) + _full * (8.0 * (1 - Math.Pow(Math.Abs(t), 1.5)) - 2.2 * dip);
        }

        private double Bottom(double t) { return LowerEdge(t) - _full * 11.0 * Math.Pow(1 - t * t, 0.9); }

        private Path Between(Func<double, double> top, Func<double, double> bottom, double reach)
        {
            var path = new Path();
            for (int step = 0; step <= Steps; step++) AddPoint(path, top, reach * (2.0 * step / Steps - 1.0));
            for (int step = Steps - 1; step > 0; step--) AddPoint(path, bottom, reach * (2.0 * step / Steps - 1.0));
            return path;
        }

        private void AddPoint(Path path, Func<double, double> edge, double t)
        {
            path.Add(_halfWidth * t, edge(t));
        }
    }
}
