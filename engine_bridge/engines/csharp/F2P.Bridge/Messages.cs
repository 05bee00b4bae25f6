using System;
using System.Collections.Generic;
using System.Linq;
using System.Text;

namespace F2P.Bridge
{
    /// <summary>One message as it arrived.</summary>
    public struct Message
    {
        public bool IsText;
        public byte[] Bytes;

        /// <summary>When its last byte came, on the clock of Clock.Milliseconds.</summary>
        public long ArrivedMs;
    }

    /// <summary>The messages an engine sends, and the splitting of those it receives: section 2 of the protocol.</summary>
    internal static class Messages
    {
        private static readonly UTF8Encoding Utf8 = new UTF8Encoding(false, true);

        internal static string Hello(IEngine engine, string token, string instance)
        {
            return Text("hello", new Dictionary<string, object>
            {
                { "protocol", new[] { 1, 0 } },
                { "token", token },
                { "engine", engine.Name },
                { "build", engine.Build },
                { "instance", instance },
                { "schemas", engine.Schemas.Select(schema => schema.ToJson()).ToArray() },
                { "capabilities", engine.Capabilities.ToJson() },
            });
        }

        internal static string Error(IEnumerable<int> ids, string code, string message)
        {
            return Text("error", new Dictionary<string, object> { { "ids", ids }, { "code", code }, { "message", OneLine(message) } });
        }

        internal static string Pong(int id, long frame, long memoryBytes)
        {
            return Text("pong", new Dictionary<string, object> { { "id", id }, { "frame", frame }, { "memory_bytes", memoryBytes } });
        }

        internal static string Goodbye(string reason)
        {
            return Text("goodbye", new Dictionary<string, object> { { "reason", OneLine(reason) }, { "again", false } });
        }

        /// <summary>u32 length of the header, header, vector, picture, mask.</summary>
        internal static byte[] Frame(Request request, Frame frame)
        {
            byte[] header = Utf8.GetBytes(FrameHeader(request, frame));
            int vectorBytes = 4 * frame.Vector.Length;
            var message = new byte[4 + header.Length + vectorBytes + frame.Picture.Length + frame.Mask.Length];
            WriteLength(message, header.Length);
            Buffer.BlockCopy(header, 0, message, 4, header.Length);
            int at = 4 + header.Length;
            Buffer.BlockCopy(frame.Vector, 0, message, at, vectorBytes);
            Buffer.BlockCopy(frame.Picture, 0, message, at += vectorBytes, frame.Picture.Length);
            Buffer.BlockCopy(frame.Mask, 0, message, at + frame.Picture.Length, frame.Mask.Length);
            return message;
        }

        /// <summary>The object of a message and the bytes that follow it. Throws BadMessageException.</summary>
        internal static JsonObject Split(Message message, out ArraySegment<byte> payload)
        {
            int start = message.IsText ? 0 : 4;
            int length = message.IsText ? message.Bytes.Length : ReadLength(message.Bytes);
            payload = new ArraySegment<byte>(message.Bytes, start + length, message.Bytes.Length - start - length);
            try
            {
                return JsonObject.Parse(Utf8.GetString(message.Bytes, start, length));
            }
            catch (ArgumentException)
            {
                throw new BadMessageException("not UTF-8");
            }
        }

        private static string Text(string type, Dictionary<string, object> members)
        {
            var message = new Dictionary<string, object> { { "type", type } };
            foreach (KeyValuePair<string, object> member in members) message.Add(member.Key, member.Value);
            return Json.Write(message);
        }

        private static string FrameHeader(Request request, Frame frame)
        {
            var members = new Dictionary<string, object>
            {
                { "id", request.Id },
                { "frame", frame.Number },
                { "width", request.Resolution },
                { "height", request.Resolution },
                { "encoding", request.Encoding },
                { "picture_bytes", frame.Picture.Length },
                { "mask_bytes", frame.Mask.Length },
            };
            if (frame.TimingsMs != null)
                members.Add("timings_ms", frame.TimingsMs.ToDictionary(pair => pair.Key, pair => (object)Math.Round(pair.Value, 3)));
            return Text("frame", members);
        }

        private static void WriteLength(byte[] message, int length)
        {
            for (int index = 0; index < 4; index++) message[index] = (byte)(length >> 8 * index);
        }

        private static int ReadLength(byte[] bytes)
        {
            if (bytes.Length < 4) throw new BadMessageException("a binary message of " + bytes.Length + " bytes has no header");
            long length = bytes[0] | (long)bytes[1] << 8 | (long)bytes[2] << 16 | (long)bytes[3] << 24;
            if (length > bytes.Length - 4) throw new BadMessageException("the header is longer than its message");
            return (int)length;
        }

        private static string OneLine(string text)
        {
            string line = text.Replace('\r', ' ').Replace('\n', ' ');
            return line.Length <= 500 ? line : line.Substring(0, 500);
        }
    }
}
