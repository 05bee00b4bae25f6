using System;
using System.Threading;
using F2P.Bridge;

namespace F2P.Sketch
{
    /// <summary>Serves the sketch engine to the bridge that the environment names. Exit status: 0 done, 1 refused, 2 not started by f2p.</summary>
    public static class Program
    {
        public static int Main()
        {
            string url = Environment.GetEnvironmentVariable("F2P_BRIDGE_URL");
            string token = Environment.GetEnvironmentVariable("F2P_BRIDGE_TOKEN");
            string instance = Environment.GetEnvironmentVariable("F2P_ENGINE_INSTANCE") ?? "sketch-" + Guid.NewGuid().ToString("N").Substring(0, 8);
            if (string.IsNullOrEmpty(url) || token == null)
            {
                Console.Error.WriteLine("F2P_BRIDGE_URL and F2P_BRIDGE_TOKEN must be set: see README.md");
                return 2;
            }
            return Serve(new Uri(url), token, instance);
        }

        private static int Serve(Uri url, string token, string instance)
        {
            var stop = new CancellationTokenSource();
            Console.CancelKeyPress += (sender, pressed) =>
            {
                pressed.Cancel = true;
                stop.Cancel();
            };
            try
            {
                new BridgeClient(line => Console.Error.WriteLine("sketch: " + line)).Run(url, token, instance, new SketchEngine(), stop.Token);
                return 0;
            }
            catch (RefusedException refused)
            {
                Console.Error.WriteLine("sketch: refused, " + refused.Code + ": " + refused.Message);
                return 1;
            }
        }
    }
}
