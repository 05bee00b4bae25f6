using System;
using System.Collections.Concurrent;
using System.IO;
using System.Net.WebSockets;
using System.Text;
using System.Threading;
using System.Threading.Tasks;

namespace F2P.Bridge
{
    /// <summary>
    /// A connection over System.Net.WebSockets.ClientWebSocket. A task of its own reads, so that arrival times are true
    /// while the engine draws; when MaximumQueued messages wait to be taken it stops reading.
    /// </summary>
    public sealed class WebSocketConnection : IConnection
    {
        private const string Subprotocol = "f2p.engine.v1";
        private const int MaximumMessageBytes = 16 * 1024 * 1024;
        private const int MaximumQueued = 8;
        private const int DialTimeoutMs = 10000;
        private const int SendTimeoutMs = 30000;
        private const int CloseTimeoutMs = 2000;

        private readonly ClientWebSocket _socket = new ClientWebSocket();
        private readonly CancellationTokenSource _ended = new CancellationTokenSource();
        private readonly BlockingCollection<Message> _arrived = new BlockingCollection<Message>(MaximumQueued);
        private long _lastHeardMs = Clock.Milliseconds;
        private ConnectionLostException _end = new ConnectionLostException("the connection was closed");

        /// <summary>Dials. Throws ConnectionLostException when nobody answers.</summary>
        public WebSocketConnection(Uri url, CancellationToken cancellation)
        {
            _socket.Options.AddSubProtocol(Subprotocol);
            _socket.Options.KeepAliveInterval = TimeSpan.Zero; // the protocol has its own heartbeat
            if (url.IsLoopback) _socket.Options.Proxy = null;
            using (CancellationTokenSource deadline = CancellationTokenSource.CreateLinkedTokenSource(cancellation))
            {
                deadline.CancelAfter(DialTimeoutMs);
                Finish(_socket.ConnectAsync(url, deadline.Token), DialTimeoutMs + CloseTimeoutMs, "cannot reach " + url, cancellation);
            }
            Task.Run((Action)ReadUntilEnd);
        }

        public long LastHeardMs
        {
            get { return Interlocked.Read(ref _lastHeardMs); }
        }

        public void SendText(string text)
        {
            Send(Encoding.UTF8.GetBytes(text), WebSocketMessageType.Text);
        }

        public void SendBinary(byte[] bytes)
        {
            Send(bytes, WebSocketMessageType.Binary);
        }

        public bool TryReceive(int waitMs, CancellationToken cancellation, out Message message)
        {
            if (_arrived.TryTake(out message, waitMs, cancellation)) return true;
            if (_arrived.IsCompleted) throw _end;
            return false;
        }

        public void Close(string reason)
        {
            try
            {
                if (_socket.State == WebSocketState.Open || _socket.State == WebSocketState.CloseReceived)
                    _socket.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, reason, CancellationToken.None).Wait(CloseTimeoutMs);
                DrainUntilEnd();
            }
            catch (Exception)
            {
                // The other end is gone, which is what was wanted.
            }
        }

        public void Dispose()
        {
            _ended.Cancel();
            _socket.Dispose();
        }

        private void Send(byte[] bytes, WebSocketMessageType type)
        {
            Task sending = _socket.SendAsync(new ArraySegment<byte>(bytes), type, true, _ended.Token);
            Finish(sending, SendTimeoutMs, "cannot send", CancellationToken.None);
        }

        /// <summary>Waits for a task of the socket and speaks of its failure in our own words.</summary>
        private static void Finish(Task task, int timeoutMs, string failure, CancellationToken cancellation)
        {
            try
            {
                if (!task.Wait(timeoutMs)) throw new ConnectionLostException(failure + " for " + timeoutMs + " ms");
            }
            catch (AggregateException error)
            {
                cancellation.ThrowIfCancellationRequested();
                throw new ConnectionLostException(failure + ": " + Cause(error));
            }
        }

        /// <summary>The innermost message says what really happened, for instance to a certificate.</summary>
        private static string Cause(Exception error)
        {
            while (error.InnerException != null) error = error.InnerException;
            return error.Message;
        }

        private void ReadUntilEnd()
        {
            try
            {
                var chunk = new byte[64 * 1024];
                while (ReadMessage(chunk)) { }
                _end = new ConnectionLostException("the bridge closed the connection: " + _socket.CloseStatusDescription, (int)(_socket.CloseStatus ?? 0));
            }
            catch (Exception error)
            {
                _end = new ConnectionLostException("the connection broke: " + Cause(error));
            }
            _arrived.CompleteAdding();
        }

        /// <summary>Queues one whole message; false when the bridge has closed.</summary>
        private bool ReadMessage(byte[] chunk)
        {
            var bytes = new MemoryStream();
            WebSocketReceiveResult result;
            do
            {
                result = _socket.ReceiveAsync(new ArraySegment<byte>(chunk), _ended.Token).Result;
                if (result.MessageType == WebSocketMessageType.Close) return false;
                bytes.Write(chunk, 0, result.Count);
                if (bytes.Length > MaximumMessageBytes) throw RefuseTooBig();
            }
            while (!result.EndOfMessage);
            long now = Clock.Milliseconds;
            Interlocked.Exchange(ref _lastHeardMs, now);
            bool isText = result.MessageType == WebSocketMessageType.Text;
            _arrived.Add(new Message { IsText = isText, Bytes = bytes.ToArray(), ArrivedMs = now }, _ended.Token);
            return true;
        }

        private IOException RefuseTooBig()
        {
            string reason = "a message is longer than " + MaximumMessageBytes + " bytes";
            _socket.CloseOutputAsync(WebSocketCloseStatus.MessageTooBig, reason, _ended.Token).Wait(CloseTimeoutMs);
            return new IOException(reason);
        }

        private void DrainUntilEnd()
        {
            long until = Clock.Milliseconds + CloseTimeoutMs;
            Message ignored;
            while (Clock.Milliseconds < until && !_arrived.IsCompleted) _arrived.TryTake(out ignored, 50);
        }
    }
}
