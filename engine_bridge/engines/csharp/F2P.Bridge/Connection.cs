using System;
using System.Diagnostics;
using System.Threading;

namespace F2P.Bridge
{
    /// <summary>
    /// One WebSocket. WebSocketConnection is the usual one; an engine with its own network code can bring another.
    /// Sending waits until the bytes are handed to the network, so an engine never buffers frames.
    /// </summary>
    public interface IConnection : IDisposable
    {
        /// <summary>When the last message came, on the clock of Clock.Milliseconds.</summary>
        long LastHeardMs { get; }

        void SendText(string text);

        void SendBinary(byte[] bytes);

        /// <summary>
        /// The next message, false when none came within the wait. Throws ConnectionLostException once the connection
        /// has ended and everything that came before was taken, OperationCanceledException when cancelled.
        /// </summary>
        bool TryReceive(int waitMs, CancellationToken cancellation, out Message message);

        /// <summary>Closes with status 1000 and waits a moment for the other end. Never throws.</summary>
        void Close(string reason);
    }

    /// <summary>The connection has ended, was refused, or could not be made.</summary>
    public sealed class ConnectionLostException : Exception
    {
        public ConnectionLostException(string message, int status = 0) : base(message)
        {
            Status = status;
        }

        /// <summary>The WebSocket status it was closed with, 0 when there is none.</summary>
        public int Status { get; }
    }

    /// <summary>The bridge does not want this engine: it must not dial again.</summary>
    public sealed class RefusedException : Exception
    {
        public RefusedException(string code, string message) : base(message)
        {
            Code = code;
        }

        /// <summary>bad_protocol, bad_token, bad_hello, bad_schema or bad_build.</summary>
        public string Code { get; }
    }

    /// <summary>A clock that never jumps.</summary>
    public static class Clock
    {
        private static readonly Stopwatch Watch = Stopwatch.StartNew();

        public static long Milliseconds
        {
            get { return Watch.ElapsedMilliseconds; }
        }
    }
}
