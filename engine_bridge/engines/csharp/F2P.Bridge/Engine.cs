using System;
using System.Collections.Generic;

namespace F2P.Bridge
{
    /// <summary>What an engine implements. All members are called from the thread that runs the client.</summary>
    public interface IEngine
    {
        /// <summary>Name of the engine or game, [a-z0-9_-]{1,40}.</summary>
        string Name { get; }

        /// <summary>1 to 100 printable ASCII characters; changes whenever the same vector may be drawn differently.</summary>
        string Build { get; }

        /// <summary>One schema per character type that can be drawn.</summary>
        IReadOnlyList<Schema> Schemas { get; }

        Capabilities Capabilities { get; }

        /// <summary>
        /// Applies the request's values, draws, and reads back. The frame is this request's, never an earlier one.
        /// Whatever it throws is told to the bridge as <c>render_failed</c>; the session goes on.
        /// </summary>
        Frame Render(Request request);
    }

    /// <summary>What an engine can do; the defaults are the protocol's.</summary>
    public sealed class Capabilities
    {
        public int MinimumPx { get; set; } = 16;
        public int MaximumPx { get; set; } = 1024;
        public int MaxBatch { get; set; } = 16;
        public int MaxInFlight { get; set; } = 32;
        public string[] Encodings { get; set; } = { "raw" };
        public bool Stamp { get; set; }
        public double ReadBackTolerance { get; set; } = 0.001;

        /// <summary>Names of the scene fields that are honoured.</summary>
        public string[] Scene { get; set; } = { };
        public double LongestFrameS { get; set; } = 10.0;

        internal Dictionary<string, object> ToJson()
        {
            return new Dictionary<string, object>
            {
                { "minimum_px", MinimumPx },
                { "maximum_px", MaximumPx },
                { "max_batch", MaxBatch },
                { "max_in_flight", MaxInFlight },
                { "encodings", Encodings },
                { "stamp", Stamp },
                { "read_back_tolerance", ReadBackTolerance },
                { "scene", Scene },
                { "longest_frame_s", LongestFrameS },
            };
        }
    }

    /// <summary>The part ids of a mask. Left and right are the person's own.</summary>
    public enum Part : byte
    {
        Background = 0,
        FaceSkin = 1,
        LeftBrow = 2,
        RightBrow = 3,
        LeftEye = 4,
        RightEye = 5,
        Nose = 6,
        UpperLip = 7,
        InnerMouth = 8,
        LowerLip = 9,
        Hair = 10,
    }

    /// <summary>One picture to draw.</summary>
    public sealed class Request
    {
        public int Id { get; internal set; }
        public Schema Schema { get; internal set; }

        /// <summary>(V,) as it was sent; see Schema.DecodeSliders and Schema.DecodeChoices.</summary>
        public float[] Vector { get; internal set; }

        /// <summary>Side of the picture and of the mask in pixels.</summary>
        public int Resolution { get; internal set; }

        /// <summary>"raw" or "png": how the frame's picture and mask are to be coded.</summary>
        public string Encoding { get; internal set; }
        public Scene Scene { get; internal set; }

        /// <summary>Whether the stamp is to be drawn with the scene: a square of Stamp.SidePx in the top left corner.</summary>
        public bool Stamped { get; internal set; }

        internal long SkipAfterMs { get; set; }
    }

    /// <summary>The stamp of a request: section 7 of the protocol.</summary>
    public static class Stamp
    {
        public const int SidePx = 4;

        /// <summary>Red, green and blue of the square in the picture, of 255 (sRGB).</summary>
        public static byte[] Color(int id)
        {
            int number = id % 512;
            return new[] { Level(number % 8), Level(number / 8 % 8), Level(number / 64) };
        }

        /// <summary>The part id of the square in the mask.</summary>
        public static byte PartId(int id)
        {
            return (byte)(id % 11);
        }

        private static byte Level(int step)
        {
            return (byte)(32 * step + 16);
        }
    }

    /// <summary>The answer to a request.</summary>
    public sealed class Frame
    {
        /// <summary>The engine's own frame number, strictly increasing within the process.</summary>
        public long Number { get; set; }

        /// <summary>(V,) read back from the engine after it was applied, never a copy of the request's.</summary>
        public float[] Vector { get; set; }

        /// <summary>raw: R, G, B of every pixel, top row first. png: the file.</summary>
        public byte[] Picture { get; set; }

        /// <summary>raw: the part id of every pixel, top row first. png: the file.</summary>
        public byte[] Mask { get; set; }

        /// <summary>Optional: "apply", "render" and "encode" in milliseconds.</summary>
        public Dictionary<string, double> TimingsMs { get; set; }

        /// <summary>Throws when the frame cannot be the answer: the mistake shows here, not as a rejected frame there.</summary>
        internal void Check(Request request)
        {
            int pixels = request.Resolution * request.Resolution;
            Expect("vector", Vector == null ? 0 : Vector.Length, request.Schema.VectorSize);
            if (request.Encoding != "raw") return;
            Expect("picture", Picture == null ? 0 : Picture.Length, 3 * pixels);
            Expect("mask", Mask == null ? 0 : Mask.Length, pixels);
        }

        private static void Expect(string what, int length, int expected)
        {
            if (length != expected)
                throw new InvalidOperationException("the frame's " + what + " has length " + length + ", expected " + expected);
        }
    }
}
