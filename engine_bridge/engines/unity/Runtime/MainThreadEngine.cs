// NOT RUN IN UNITY by the project: compiled against stubs of the Unity API only. See docs/unity.md.

using System;
using System.Collections.Generic;
using System.Threading;
using F2P.Bridge;

namespace F2P.Unity
{
    /// <summary>
    /// Hands requests from the bridge's thread to Unity's main thread, one at a time, and waits for their frames.
    /// </summary>
    internal sealed class MainThreadEngine : IEngine
    {
        private readonly AutoResetEvent _answered = new AutoResetEvent(false);
        private readonly CancellationToken _cancellation;
        private Request _asked;
        private Frame _frame;
        private Exception _failure;

        internal MainThreadEngine(string name, string build, Schema schema, Capabilities capabilities, CancellationToken cancellation)
        {
            Name = name;
            Build = build;
            Schemas = new[] { schema };
            Capabilities = capabilities;
            _cancellation = cancellation;
        }

        public string Name { get; }
        public string Build { get; }
        public IReadOnlyList<Schema> Schemas { get; }
        public Capabilities Capabilities { get; }

        /// <summary>On the bridge's thread.</summary>
        public Frame Render(Request request)
        {
            _frame = null;
            _failure = null;
            Volatile.Write(ref _asked, request);
            WaitHandle.WaitAny(new[] { _answered, _cancellation.WaitHandle });
            _cancellation.ThrowIfCancellationRequested();
            if (_failure != null) throw new InvalidOperationException(_failure.Message, _failure);
            return _frame;
        }

        /// <summary>On the main thread: the request that waits, null when there is none.</summary>
        internal Request Take()
        {
            return Interlocked.Exchange(ref _asked, null);
        }

        internal void Answer(Frame frame)
        {
            _frame = frame;
            _answered.Set();
        }

        internal void Fail(Exception failure)
        {
            _failure = failure;
            _answered.Set();
        }
    }
}
