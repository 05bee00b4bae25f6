// NOT RUN IN UNITY by the project: compiled against stubs of the Unity API only. See docs/unity.md.

using System.Collections.Generic;
using System.Linq;
using F2P.Bridge;
using UnityEngine;

namespace F2P.Unity
{
    /// <summary>
    /// Renders the studio camera twice, at once: as it is, and with every material replaced by its part's flat color.
    /// </summary>
    internal sealed class FaceCapture
    {
        private const int MaskStep = 24; // part ids lie 24 apart, so that no rounding on the way turns one into another

        private readonly Camera _camera;
        private readonly IReadOnlyList<PartOfMaterial> _parts;
        private readonly Material[] _flat;
        private readonly StampImage _stamp;

        internal FaceCapture(Camera camera, IReadOnlyList<PartOfMaterial> parts)
        {
            _camera = camera;
            _camera.enabled = false; // it renders when it is told to
            _parts = parts;
            _flat = Enumerable.Range(0, 11).Select(FlatMaterial).ToArray();
            _stamp = new StampImage(camera);
            foreach (SkinnedMeshRenderer skin in parts.Select(part => part.Renderer).OfType<SkinnedMeshRenderer>())
            {
                skin.forceMatrixRecalculationPerRender = true; // or the second render may show the first one's skin
                skin.updateWhenOffscreen = true;
            }
        }

        /// <summary>R, G, B, top row first.</summary>
        internal byte[] Picture(Request request)
        {
            _stamp.Show(request, Stamp.Color(request.Id), false);
            return Shoot(request.Resolution, RenderTextureReadWrite.sRGB, 4);
        }

        /// <summary>Part ids, top row first.</summary>
        internal byte[] Mask(Request request)
        {
            byte level = (byte)(MaskStep * Stamp.PartId(request.Id));
            _stamp.Show(request, new[] { level, level, level }, true);
            Material[][] worn = _parts.Select(part => part.Renderer.sharedMaterials).ToArray();
            CameraClearFlags clear = _camera.clearFlags;
            Color background = _camera.backgroundColor;
            try
            {
                _camera.clearFlags = CameraClearFlags.SolidColor;
                _camera.backgroundColor = Color.black;
                foreach (PartOfMaterial part in _parts) Wear(part);
                byte[] levels = Shoot(request.Resolution, RenderTextureReadWrite.Linear, 1);
                return Enumerable.Range(0, levels.Length / 3).Select(pixel => (byte)((levels[3 * pixel] + MaskStep / 2) / MaskStep)).ToArray();
            }
            finally
            {
                for (int index = worn.Length - 1; index >= 0; index--) _parts[index].Renderer.sharedMaterials = worn[index];
                _camera.clearFlags = clear;
                _camera.backgroundColor = background;
            }
        }

        private void Wear(PartOfMaterial part)
        {
            Material[] materials = part.Renderer.sharedMaterials;
            materials[part.Slot] = _flat[(int)part.Part];
            part.Renderer.sharedMaterials = materials;
        }

        private static Material FlatMaterial(int part)
        {
            var material = new Material(Shader.Find("F2P/Flat"));
            material.SetFloat("_Level", part * MaskStep / 255f);
            return material;
        }

        private byte[] Shoot(int side, RenderTextureReadWrite colors, int samples)
        {
            RenderTexture target = RenderTexture.GetTemporary(side, side, 24, RenderTextureFormat.ARGB32, colors, samples);
            RenderTexture active = RenderTexture.active;
            var pixels = new Texture2D(side, side, TextureFormat.RGB24, false, colors == RenderTextureReadWrite.Linear);
            try
            {
                _camera.targetTexture = target;
                Canvas.ForceUpdateCanvases(); // the stamp takes its place in a picture of this size
                _camera.Render();
                RenderTexture.active = target;
                pixels.ReadPixels(new Rect(0, 0, side, side), 0, 0, false);
                return TopRowFirst(pixels.GetRawTextureData(), 3 * side);
            }
            finally
            {
                RenderTexture.active = active;
                _camera.targetTexture = null;
                RenderTexture.ReleaseTemporary(target);
                Object.Destroy(pixels);
            }
        }

        private static byte[] TopRowFirst(byte[] bottomRowFirst, int rowBytes)
        {
            var turned = new byte[bottomRowFirst.Length];
            for (int from = 0; from < turned.Length; from += rowBytes)
                System.Buffer.BlockCopy(bottomRowFirst, from, turned, turned.Length - rowBytes - from, rowBytes);
            return turned;
        }
    }
}
