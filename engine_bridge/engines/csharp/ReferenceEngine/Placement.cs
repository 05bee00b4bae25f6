using System;
using F2P.Bridge;

namespace F2P.Sketch
{
    /// <summary>From millimetres of the face to pixels: the camera of a flat world, and the head's roll.</summary>
    internal sealed class Placement
    {
        private const double SideMm = 280.0;
        private const double NeckMm = -90.0;

        private readonly double _cos, _sin, _scale, _centerX, _centerY;

        internal Placement(Scene scene, int side)
        {
            double roll = scene.RollDeg * Math.PI / 180.0;
            _cos = Math.Cos(roll);
            _sin = Math.Sin(roll);
            _scale = scene.Zoom * side / SideMm;
            _centerX = side * (0.5 + scene.ShiftX);
            _centerY = side * (0.5 - scene.ShiftY);
        }

        internal double X(double x, double y)
        {
            return _centerX + _scale * (_cos * x + _sin * (y - NeckMm));
        }

        internal double Y(double x, double y)
        {
            return _centerY - _scale * (NeckMm - _sin * x + _cos * (y - NeckMm));
        }
    }
}
