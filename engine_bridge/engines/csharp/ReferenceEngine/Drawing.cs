using F2P.Bridge;

namespace F2P.Sketch
{
    /// <summary>A canvas, the character's state and its colors: what every feature of the face is drawn with.</summary>
    internal sealed class Drawing
    {
        private readonly Canvas _canvas;

        internal Drawing(Canvas canvas, FaceState face, Palette colors)
        {
            _canvas = canvas;
            Face = face;
            Colors = colors;
        }

        internal FaceState Face { get; }
        internal Palette Colors { get; }

        /// <summary>An opaque piece of a part.</summary>
        internal void Fill(Path path, double[] color, Part part, Path clip = null)
        {
            _canvas.Fill(path, new Canvas.Paint { Color = color, OpacityTop = 1.0, OpacityBottom = 1.0 }, (byte)part, clip);
        }

        /// <summary>Shade, light or detail on top of whatever part is there.</summary>
        internal void Tint(Path path, double[] color, double opacity = 1.0, Path clip = null)
        {
            Fade(path, color, opacity, opacity, clip);
        }

        internal void Fade(Path path, double[] color, double opacityTop, double opacityBottom, Path clip = null)
        {
            _canvas.Fill(path, new Canvas.Paint { Color = color, OpacityTop = opacityTop, OpacityBottom = opacityBottom }, null, clip);
        }
    }
}
