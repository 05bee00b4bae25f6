// NOT RUN IN UNITY by the project: compiled against stubs of the Unity API only. See docs/unity.md.

using System;
using System.Collections;
using System.Threading;
using F2P.Bridge;
using UnityEngine;

namespace F2P.Unity
{
    /// <summary>
    /// Put it on one GameObject of the studio scene. It dials the bridge that the environment names and renders what is asked
    /// for; without F2P_BRIDGE_URL in the environment it does nothing, so the scene can be opened as usual.
    /// </summary>
    public sealed class F2PBridgeBehaviour : MonoBehaviour
    {
        [Tooltip("a-z, 0-9, _ and -")]
        public string EngineName = "unity";

        [Tooltip("Raise it whenever the same values may look different: new materials, lights, meshes, shaders.")]
        public string ContentVersion = "1";

        public Camera StudioCamera;
        public FaceRig Rig;

        private readonly CancellationTokenSource _stop = new CancellationTokenSource();
        private MainThreadEngine _engine;
        private Schema _schema;
        private FaceCapture _capture;
        private Thread _bridge;
        private bool _ended;
        private long _frames;

        private void Start()
        {
            string url = Environment.GetEnvironmentVariable("F2P_BRIDGE_URL");
            if (string.IsNullOrEmpty(url)) return;
            Application.runInBackground = true;
            QualitySettings.vSyncCount = 0;
            Application.targetFrameRate = -1;
            _schema = Rig.ReadSchema();
            _capture = new FaceCapture(StudioCamera, Rig.Parts);
            string build = Application.unityVersion + " " + Application.version + " " + ContentVersion;
            var capabilities = new Capabilities { Stamp = true, Scene = Rig.SceneFields, MaximumPx = 1024 };
            _engine = new MainThreadEngine(EngineName, build, _schema, capabilities, _stop.Token);
            _bridge = new Thread(() => TalkToBridge(new Uri(url))) { IsBackground = true };
            _bridge.Start();
            StartCoroutine(Serve());
        }

        private void OnDestroy()
        {
            _stop.Cancel(); // the client says goodbye, so that the work in flight is given to another engine
            if (_bridge != null) _bridge.Join(3000);
        }

        private void TalkToBridge(Uri url)
        {
            try
            {
                string token = Environment.GetEnvironmentVariable("F2P_BRIDGE_TOKEN") ?? "";
                string instance = Environment.GetEnvironmentVariable("F2P_ENGINE_INSTANCE") ?? Guid.NewGuid().ToString("N");
                new BridgeClient(line => Debug.Log("F2P: " + line)).Run(url, token, instance, _engine, _stop.Token);
            }
            catch (RefusedException refused)
            {
                Debug.LogError("F2P: refused, " + refused.Code + ": " + refused.Message);
            }
            _ended = true;
        }

        /// <summary>
        /// Values are applied in one frame and captured in the next: between the two Unity updates animation, skinning and UI.
        /// WaitForEndOfFrame would not come back in batch mode.
        /// </summary>
        private IEnumerator Serve()
        {
            while (!Volatile.Read(ref _ended))
            {
                Request request = _engine.Take();
                if (request != null && Try(() => Apply(request)))
                {
                    yield return null;
                    Try(() => _engine.Answer(Capture(request)));
                }
                else
                {
                    yield return null;
                }
            }
            Application.Quit();
        }

        private void Apply(Request request)
        {
            Rig.ApplyScene(request.Scene);
            Rig.Apply(_schema.DecodeSliders(request.Vector), _schema.DecodeChoices(request.Vector));
        }

        private Frame Capture(Request request)
        {
            byte[] picture = _capture.Picture(request);
            byte[] mask = _capture.Mask(request);
            var values = new double[_schema.Sliders.Count];
            var choices = new int[_schema.Choices.Count];
            Rig.ReadBack(values, choices);
            return new Frame { Number = ++_frames, Vector = _schema.Encode(values, choices), Picture = picture, Mask = mask };
        }

        /// <summary>False when it threw: the bridge is told, and the engine goes on with the next request.</summary>
        private bool Try(Action step)
        {
            try
            {
                step();
                return true;
            }
            catch (Exception error)
            {
                Debug.LogException(error);
                _engine.Fail(error);
                return false;
            }
        }
    }
}
