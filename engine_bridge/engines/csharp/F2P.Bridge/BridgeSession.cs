using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Threading;

namespace F2P.Bridge
{
    /// <summary>One session: the handshake, then orders, pings and the end. Nothing outlives it but the engine.</summary>
    internal sealed class BridgeSession
    {
        private const int WelcomeTimeoutMs = 10000;

        private readonly IConnection _connection;
        private readonly IEngine _engine;
        private readonly CancellationToken _cancellation;
        private readonly Queue<Request> _waiting = new Queue<Request>();
        private OrderReader _orders;
        private int _silenceMs;
        private long _lastFrame;
        private bool? _again;

        internal BridgeSession(IConnection connection, IEngine engine, CancellationToken cancellation)
        {
            _connection = connection;
            _engine = engine;
            _cancellation = cancellation;
        }

        /// <summary>Says hello. Throws RefusedException, or ConnectionLostException when it makes sense to dial again.</summary>
        internal void ShakeHands(string token, string instance)
        {
            _connection.SendText(Messages.Hello(_engine, token, instance));
            Message message;
            if (!_connection.TryReceive(WelcomeTimeoutMs, _cancellation, out message))
                throw new ConnectionLostException("the bridge did not answer hello");
            ArraySegment<byte> payload;
            JsonObject answer = Messages.Split(message, out payload);
            if (answer.Text("type") == "refusal") throw Refusals.Understand(answer.Text("code"), answer.Text("message"));
            if (answer.Text("type") != "welcome") throw new BadMessageException("hello was answered by '" + answer.Text("type") + "'");
            Welcome(answer);
        }

        /// <summary>Answers until the bridge says goodbye; true when it wants the engine to dial again.</summary>
        internal bool Serve()
        {
            while (_again == null)
            {
                Message message;
                // What has arrived comes before what is to be drawn, so a ping waits for one frame at most.
                if (_connection.TryReceive(_waiting.Count > 0 ? 0 : RemainingSilenceMs(), _cancellation, out message)) Answer(message);
                else if (RemainingSilenceMs() == 0) throw new ConnectionLostException("nothing was heard for " + _silenceMs + " ms");
                else if (_waiting.Count > 0) Draw(_waiting.Dequeue());
            }
            return _again.Value;
        }

        private void Welcome(JsonObject answer)
        {
            int[] version = answer.Integers("protocol");
            if (version.Length != 2 || version[0] != 1) throw new RefusedException("bad_protocol", "the bridge speaks another protocol");
            _silenceMs = (int)Math.Min(4000.0 * answer.Number("ping_s"), int.MaxValue);
            _orders = new OrderReader(_engine, answer.TextsByName("fingerprints"));
        }

        private int RemainingSilenceMs()
        {
            return (int)Math.Max(0, _connection.LastHeardMs + _silenceMs - Clock.Milliseconds);
        }

        private void Answer(Message message)
        {
            try
            {
                Understand(message);
            }
            catch (BadMessageException error)
            {
                _connection.SendText(Messages.Error(new int[0], "bad_message", error.Message));
            }
            catch (OrderRefusedException refused)
            {
                _connection.SendText(Messages.Error(refused.Ids, refused.Code, refused.Message));
            }
        }

        private void Understand(Message message)
        {
            ArraySegment<byte> payload;
            JsonObject members = Messages.Split(message, out payload);
            string type = members.Text("type");
            if (type == "render" && !message.IsText) Accept(_orders.Read(members, payload, message.ArrivedMs));
            else if (type == "ping" && message.IsText) _connection.SendText(Messages.Pong(members.Integer("id"), _lastFrame, MemoryBytes()));
            else if (type == "goodbye" && message.IsText) _again = members.Boolean("again");
            else throw new BadMessageException("a " + (message.IsText ? "text" : "binary") + " message of type '" + type + "' is unknown");
        }

        private void Accept(List<Request> requests)
        {
            if (requests.Count > _engine.Capabilities.MaxBatch)
                throw Refuse(requests, "bad_request", "more than " + _engine.Capabilities.MaxBatch + " requests in one render");
            if (_waiting.Count + requests.Count > _engine.Capabilities.MaxInFlight)
                throw Refuse(requests, "overloaded", "more than " + _engine.Capabilities.MaxInFlight + " requests wait for an answer");
            requests.ForEach(_waiting.Enqueue);
        }

        private void Draw(Request request)
        {
            if (Clock.Milliseconds > request.SkipAfterMs)
            {
                _connection.SendText(Messages.Error(new[] { request.Id }, "deadline", "the deadline had passed before it was drawn"));
                return;
            }
            byte[] answer;
            try
            {
                Frame frame = _engine.Render(request);
                frame.Check(request);
                _lastFrame = frame.Number;
                answer = Messages.Frame(request, frame);
            }
            catch (Exception error) when (!(error is OperationCanceledException))
            {
                _connection.SendText(Messages.Error(new[] { request.Id }, "render_failed", error.GetType().Name + ": " + error.Message));
                return;
            }
            _connection.SendBinary(answer);
        }

        private static OrderRefusedException Refuse(List<Request> requests, string code, string message)
        {
            return new OrderRefusedException(requests.ConvertAll(request => request.Id).ToArray(), code, message);
        }

        private static long MemoryBytes()
        {
            using (Process process = Process.GetCurrentProcess()) return process.WorkingSet64;
        }
    }
}
