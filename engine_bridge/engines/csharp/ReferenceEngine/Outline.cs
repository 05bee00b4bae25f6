using System;

namespace F2P.Sketch
{
    /// <summary>
    /// An outline in pixels, scanned row by row. Horizontally coverage is exact, vertically it is the mean of SubRows lines; the middle
    /// one goes through the centers of the pixels and decides what is inside. What any winding encloses is inside.
    /// </summary>
    internal sealed class Outline
    {
        private const int SubRows = 5;

        internal readonly float[] Coverage;
        internal readonly bool[] Inside;
        internal readonly int FirstRow, LastRow, FirstColumn, LastColumn;
        internal readonly double Top = double.MaxValue, Bottom = double.MinValue;

        private readonly double[] _x, _y, _crossings;
        private readonly int[] _directions, _edges;
        private readonly int _side;
        private int _numEdges;

        /// <param name="placement">Null for a path that is in pixels already.</param>
        internal Outline(Path path, Placement placement, int side)
        {
            _side = side;
            _x = new double[path.Count + 1];
            _y = new double[path.Count + 1];
            _crossings = new double[path.Count];
            _directions = new int[path.Count];
            _edges = new int[path.Count];
            double left = double.MaxValue, right = double.MinValue;
            for (int index = 0; index <= path.Count; index++)
            {
                int from = index % path.Count;
                _x[index] = placement == null ? path.X[from] : placement.X(path.X[from], path.Y[from]);
                _y[index] = placement == null ? path.Y[from] : placement.Y(path.X[from], path.Y[from]);
                left = Math.Min(left, _x[index]);
                right = Math.Max(right, _x[index]);
                Top = Math.Min(Top, _y[index]);
                Bottom = Math.Max(Bottom, _y[index]);
            }
            FirstRow = Clamp(Top);
            LastRow = Bottom < 0.0 ? -1 : Clamp(Bottom);
            FirstColumn = Clamp(left);
            LastColumn = right < 0.0 ? -1 : Clamp(right);
            Coverage = new float[side];
            Inside = new bool[side];
        }

        /// <summary>Fills Coverage and Inside for one row of pixels.</summary>
        internal void Scan(int row)
        {
            int length = Math.Max(LastColumn - FirstColumn + 1, 0);
            Array.Clear(Coverage, FirstColumn, length);
            Array.Clear(Inside, FirstColumn, length);
            if (row < FirstRow || row > LastRow) return;
            FindEdges(row);
            for (int sub = 0; sub < SubRows; sub++)
            {
                int count = FindCrossings(row + (sub + 0.5) / SubRows);
                int winding = 0;
                for (int index = 0; index + 1 < count; index++)
                {
                    winding += _directions[index];
                    if (winding != 0) Cover(_crossings[index], _crossings[index + 1], sub == SubRows / 2);
                }
            }
        }

        /// <summary>The edges that the row's lines may cross: few of them all.</summary>
        private void FindEdges(int row)
        {
            _numEdges = 0;
            for (int edge = 0; edge + 1 < _y.Length; edge++)
                if (Math.Min(_y[edge], _y[edge + 1]) <= row + 1 && Math.Max(_y[edge], _y[edge + 1]) >= row) _edges[_numEdges++] = edge;
        }

        private int FindCrossings(double y)
        {
            int count = 0;
            for (int index = 0; index < _numEdges; index++)
            {
                int edge = _edges[index];
                double from = _y[edge], to = _y[edge + 1];
                if (from <= y == to <= y) continue;
                double x = _x[edge] + (y - from) / (to - from) * (_x[edge + 1] - _x[edge]);
                int at = count++;
                for (; at > 0 && _crossings[at - 1] > x; at--)
                {
                    _crossings[at] = _crossings[at - 1];
                    _directions[at] = _directions[at - 1];
                }
                _crossings[at] = x;
                _directions[at] = to > from ? 1 : -1;
            }
            return count;
        }

        private void Cover(double from, double to, bool isCenter)
        {
            const float Whole = 1f / SubRows;
            from = Math.Max(from, 0.0);
            to = Math.Min(to, _side);
            if (to <= from) return;
            int first = (int)from, last = (int)to; // the pixels that the two ends lie in; all between are covered whole
            for (int column = first; column < last; column++) Coverage[column] += Whole;
            Coverage[first] -= (float)(from - first) * Whole;
            if (last < _side) Coverage[last] += (float)(to - last) * Whole;
            if (!isCenter) return;
            for (int column = (int)Math.Ceiling(from - 0.5); column + 0.5 < to; column++) Inside[column] = true;
        }

        private int Clamp(double pixels)
        {
            return Math.Min(Math.Max((int)Math.Floor(pixels), 0), _side - 1);
        }
    }
}
