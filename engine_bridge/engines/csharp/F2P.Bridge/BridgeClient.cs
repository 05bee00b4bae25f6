using System;
using System.Threading;

namespace F2P.Bridge
{
    /// <summary>
    /// The engine's end of the protocol. Run dials the bridge, serves it, and dials again whenever the connection is lost.
    /// </summary>
    public sealed class BridgeClient
    {
        private const int FirstPauseMs = 500;
        private const int LongestPauseMs = 10000;

        private readonly Func<Uri, CancellationToken, IConnection> _dial;
        private readonly Action<string> _log;
        private int _pauseMs = FirstPauseMs;

        /// <param name="log">Gets one line per event; may be null.</param>
        /// <param name="dial">Makes a connection; null for WebSocketConnection.</param>
        public BridgeClient(Action<string> log = null, Func<Uri, CancellationToken, IConnection> dial = null)
        {
            _log = log ?? (line => { });
            _dial = dial ?? ((url, cancellation) => new WebSocketConnection(url, cancellation));
        }

        /// <summary>
        /// Serves the engine until the bridge says that it is not needed any more, or until cancelled. Both return normally.
        /// Throws RefusedException when the bridge does not want this engine.
        /// </summary>
        public void Run(Uri url, string token, string instance, IEngine engine, CancellationToken cancellation)
        {
            while (!cancellation.IsCancellationRequested && ServeOnce(url, token, instance, engine, cancellation))
            {
                cancellation.WaitHandle.WaitOne(_pauseMs);
                _pauseMs = Math.Min(2 * _pauseMs, LongestPauseMs);
            }
        }

        /// <summary>One session; true when the engine is to dial again.</summary>
        private bool ServeOnce(Uri url, string token, string instance, IEngine engine, CancellationToken cancellation)
        {
            try
            {
                using (IConnection connection = _dial(url, cancellation))
                    return Serve(connection, token, instance, engine, cancellation);
            }
            catch (ConnectionLostException lost)
            {
                _log(lost.Message);
                Refusals.Check(lost);
                return true;
            }
            catch (OperationCanceledException)
            {
                return false;
            }
        }

        private bool Serve(IConnection connection, string token, string instance, IEngine engine, CancellationToken cancellation)
        {
            var session = new BridgeSession(connection, engine, cancellation);
            try
            {
                session.ShakeHands(token, instance);
                _pauseMs = FirstPauseMs;
                _log("connected");
                bool again = session.Serve();
                connection.Close("goodbye");
                _log(again ? "the bridge will be back" : "the bridge needs nothing more");
                return again;
            }
            catch (OperationCanceledException)
            {
                connection.SendText(Messages.Goodbye("the engine stops"));
                connection.Close("goodbye");
                return false;
            }
            catch (BadMessageException error)
            {
                throw new ConnectionLostException("the handshake made no sense: " + error.Message);
            }
            catch (RefusedException)
            {
                connection.Close("refused");
                throw;
            }
        }
    }
}
