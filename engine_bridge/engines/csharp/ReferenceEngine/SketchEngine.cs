using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.IO;
using System.Linq;
using System.Reflection;
using System.Security.Cryptography;
using F2P.Bridge;

namespace F2P.Sketch
{
    /// <summary>A small software engine that draws a flat-shaded face. It needs neither a display nor a GPU.</summary>
    public sealed class SketchEngine : IEngine
    {
        private readonly FaceState _face = new FaceState(SketchSchema.Face);
        private long _frames;

        public string Name
        {
            get { return "sketch"; }
        }

        /// <summary>A hash of the drawing code, which is compiled into the program as resources.</summary>
        public string Build { get; } = "sketch-" + HashOfSources();

        public IReadOnlyList<Schema> Schemas { get; } = new[] { SketchSchema.Face };

        public Capabilities Capabilities { get; } = new Capabilities
        {
            Stamp = true,
            ReadBackTolerance = 0.0005,
            Scene = new[]
            {
                "roll_deg", "shift_x", "shift_y", "zoom", "light_color", "ambient_color", "skin_tint", "hair_tint", "iris_tint", "background_color",
            },
            LongestFrameS = 5.0,
        };

        public Frame Render(Request request)
        {
            Stopwatch watch = Stopwatch.StartNew();
            _face.Apply(request.Schema.DecodeSliders(request.Vector), request.Schema.DecodeChoices(request.Vector));
            double applied = watch.Elapsed.TotalMilliseconds;
            Canvas canvas = Draw(request);
            byte[] picture = canvas.Picture();
            double drawn = watch.Elapsed.TotalMilliseconds;
            return new Frame
            {
                Number = ++_frames,
                Vector = _face.ReadBack(),
                Picture = picture,
                Mask = canvas.Mask,
                TimingsMs = new Dictionary<string, double> { { "apply", applied }, { "render", drawn - applied } },
            };
        }

        private Canvas Draw(Request request)
        {
            double[] background = request.Scene.BackgroundColor.Select(Srgb.Decode).ToArray();
            var canvas = new Canvas(request.Resolution, new Placement(request.Scene, request.Resolution), background);
            var drawing = new Drawing(canvas, _face, new Palette(_face, request.Scene));
            Hair.DrawBehind(drawing);
            Head.DrawBody(drawing);
            Head.DrawEars(drawing);
            Head.DrawFace(drawing);
            Features.DrawEyes(drawing);
            Features.DrawBrows(drawing);
            Features.DrawNose(drawing);
            Features.DrawMouth(drawing);
            Hair.DrawFront(drawing);
            if (request.Stamped) DrawStamp(canvas, request.Id);
            return canvas;
        }

        private static void DrawStamp(Canvas canvas, int id)
        {
            double[] color = Stamp.Color(id).Select(level => Srgb.Decode(level / 255.0)).ToArray();
            var paint = new Canvas.Paint { Color = color, OpacityTop = 1.0, OpacityBottom = 1.0 };
            canvas.FillCorner(Stamp.SidePx, paint, Stamp.PartId(id));
        }

        private static string HashOfSources()
        {
            Assembly program = Assembly.GetExecutingAssembly();
            using (SHA256 hash = SHA256.Create())
            using (var sources = new MemoryStream())
            {
                foreach (string name in program.GetManifestResourceNames().OrderBy(name => name, StringComparer.Ordinal))
                    using (Stream source = program.GetManifestResourceStream(name)) source.CopyTo(sources);
                return string.Concat(hash.ComputeHash(sources.ToArray()).Take(6).Select(part => part.ToString("x2")));
            }
        }
    }
}
