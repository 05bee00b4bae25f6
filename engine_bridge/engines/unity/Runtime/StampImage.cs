// NOT RUN IN UNITY by the project: compiled against stubs of the Unity API only. See docs/unity.md.

using F2P.Bridge;
using UnityEngine;
using UnityEngine.UI;

namespace F2P.Unity
{
    /// <summary>
    /// The stamp: a UI Image of 4 x 4 pixels in the top left corner of the studio camera's picture. The canvas belongs to the
    /// camera; an overlay canvas would be on the screen but not in the render texture.
    /// </summary>
    internal sealed class StampImage
    {
        private readonly Image _image;

        internal StampImage(Camera camera)
        {
            var canvas = new GameObject("F2P stamp").AddComponent<Canvas>();
            canvas.renderMode = RenderMode.ScreenSpaceCamera;
            canvas.worldCamera = camera;
            canvas.planeDistance = 1.01f * camera.nearClipPlane;
            canvas.sortingOrder = short.MaxValue;
            var square = new GameObject("square");
            square.transform.SetParent(canvas.transform, false);
            _image = square.AddComponent<Image>();
            RectTransform corner = _image.rectTransform;
            corner.anchorMin = corner.anchorMax = corner.pivot = new Vector2(0f, 1f);
            corner.anchoredPosition = Vector2.zero;
            corner.sizeDelta = new Vector2(Stamp.SidePx, Stamp.SidePx);
        }

        /// <param name="isRaw">The bytes are levels and no sRGB color: UI colors are made linear in linear projects.</param>
        internal void Show(Request request, byte[] rgb, bool isRaw)
        {
            Color color = new Color32(rgb[0], rgb[1], rgb[2], 255);
            bool isLinear = QualitySettings.activeColorSpace == ColorSpace.Linear;
            _image.color = isRaw && isLinear ? color.gamma : color;
            _image.enabled = request.Stamped;
        }
    }
}
