using System;
using System.Collections.Generic;
using System.Linq;

namespace F2P.Bridge
{
    /// <summary>Requests that get no frame, and why: an <c>error</c> message.</summary>
    internal sealed class OrderRefusedException : Exception
    {
        internal OrderRefusedException(int[] ids, string code, string message) : base(message)
        {
            Ids = ids;
            Code = code;
        }

        internal int[] Ids { get; }
        internal string Code { get; }
    }

    /// <summary>Turns a <c>render</c> message into requests: section 5 of the protocol.</summary>
    internal sealed class OrderReader
    {
        private readonly Capabilities _capabilities;
        private readonly Dictionary<string, Schema> _schemas;
        private readonly Dictionary<string, string> _fingerprints;

        internal OrderReader(IEngine engine, Dictionary<string, string> fingerprints)
        {
            _capabilities = engine.Capabilities;
            _schemas = engine.Schemas.ToDictionary(schema => schema.Character);
            _fingerprints = fingerprints;
        }

        /// <summary>
        /// The requests of an order, all or none. Throws BadMessageException for one without ids, else OrderRefusedException.
        /// </summary>
        internal List<Request> Read(JsonObject header, ArraySegment<byte> payload, long arrivedMs)
        {
            int[] ids = header.Integers("ids");
            if (ids.Any(id => id < 0)) throw new BadMessageException("member 'ids' has a negative id");
            try
            {
                return ReadRequests(header, payload, arrivedMs, ids);
            }
            catch (BadMessageException error)
            {
                throw new OrderRefusedException(ids, "bad_request", error.Message);
            }
        }

        private List<Request> ReadRequests(JsonObject header, ArraySegment<byte> payload, long arrivedMs, int[] ids)
        {
            Schema schema = FindSchema(header, ids);
            int resolution = ReadResolution(header);
            string encoding = ReadEncoding(header);
            bool stamped = ReadStamp(header);
            long skipAfter = arrivedMs + header.Integer("deadline_ms");
            Scene[] scenes = ReadScenes(header, ids.Length);
            float[][] vectors = ReadVectors(payload, ids.Length, schema.VectorSize);
            return ids.Select((id, index) => new Request
            {
                Id = id,
                Schema = schema,
                Vector = vectors[index],
                Resolution = resolution,
                Encoding = encoding,
                Scene = scenes[index],
                Stamped = stamped,
                SkipAfterMs = skipAfter,
            }).ToList();
        }

        private Schema FindSchema(JsonObject header, int[] ids)
        {
            string character = header.Text("character");
            if (!_schemas.ContainsKey(character))
                throw new OrderRefusedException(ids, "unknown_character", "this engine has no character '" + character + "'");
            string told, asked = header.Text("fingerprint");
            if (!_fingerprints.TryGetValue(character, out told) || told != asked)
                throw new OrderRefusedException(ids, "stale_schema", "fingerprint " + asked + " is not the one told in welcome");
            return _schemas[character];
        }

        private int ReadResolution(JsonObject header)
        {
            int resolution = header.Integer("resolution");
            if (resolution < _capabilities.MinimumPx || resolution > _capabilities.MaximumPx)
                throw new BadMessageException("resolution " + resolution + " lies outside " + _capabilities.MinimumPx + ".." + _capabilities.MaximumPx);
            return resolution;
        }

        private string ReadEncoding(JsonObject header)
        {
            string encoding = header.Text("encoding");
            if (!_capabilities.Encodings.Contains(encoding)) throw new BadMessageException("encoding '" + encoding + "' was not announced");
            return encoding;
        }

        private bool ReadStamp(JsonObject header)
        {
            bool stamped = header.Boolean("stamp");
            if (stamped && !_capabilities.Stamp) throw new BadMessageException("stamps were not announced");
            return stamped;
        }

        private Scene[] ReadScenes(JsonObject header, int count)
        {
            if (!header.Has("scenes")) return Enumerable.Range(0, count).Select(index => new Scene()).ToArray();
            List<object> scenes = header.Items("scenes");
            if (scenes.Count != count) throw new BadMessageException(scenes.Count + " scenes for " + count + " ids");
            return scenes.Select(scene => Scene.Read(new JsonObject(scene), _capabilities.Scene)).ToArray();
        }

        private static float[][] ReadVectors(ArraySegment<byte> payload, int count, int size)
        {
            if (payload.Count != 4L * count * size)
                throw new BadMessageException("the payload has " + payload.Count + " bytes, expected " + count + " vectors of " + size + " float32");
            return Enumerable.Range(0, count).Select(index => ReadVector(payload, index, size)).ToArray();
        }

        private static float[] ReadVector(ArraySegment<byte> payload, int index, int size)
        {
            var vector = new float[size];
            Buffer.BlockCopy(payload.Array, payload.Offset + 4 * size * index, vector, 0, 4 * size);
            if (vector.Any(entry => !(entry >= 0f && entry <= 1f)))
                throw new BadMessageException("vector " + index + " has an entry outside [0, 1]");
            return vector;
        }
    }
}
