// Just enough of the Unity API to compile the package: names, types and signatures as in Unity 2021.3's manual. They do nothing.

using System;
using System.Collections;

namespace UnityEngine
{
    public class Object
    {
        public string name { get; set; }
        public static void Destroy(Object target) { }
    }

    public class Component : Object
    {
        public Transform transform { get; private set; }
        public GameObject gameObject { get; private set; }
    }

    public class Behaviour : Component
    {
        public bool enabled { get; set; }
    }

    public class MonoBehaviour : Behaviour
    {
        public Coroutine StartCoroutine(IEnumerator routine) { return null; }
    }

    public sealed class Coroutine { }

    public sealed class GameObject : Object
    {
        public GameObject(string name) { }
        public Transform transform { get; private set; }
        public bool activeSelf { get; private set; }
        public T AddComponent<T>() where T : Component { return null; }
        public void SetActive(bool value) { }
    }

    public class Transform : Component, IEnumerable
    {
        public Vector3 localPosition { get; set; }
        public Quaternion localRotation { get; set; }
        public Vector3 localScale { get; set; }
        public void SetParent(Transform parent, bool worldPositionStays) { }
        public IEnumerator GetEnumerator() { return null; }
    }

    public sealed class RectTransform : Transform
    {
        public Vector2 anchorMin { get; set; }
        public Vector2 anchorMax { get; set; }
        public Vector2 pivot { get; set; }
        public Vector2 anchoredPosition { get; set; }
        public Vector2 sizeDelta { get; set; }
    }

    public struct Vector2
    {
        public Vector2(float x, float y) { }
        public static Vector2 zero { get { return new Vector2(); } }
    }

    public struct Vector3
    {
        public float this[int index] { get { return 0f; } set { } }
        public static Vector3 zero { get { return new Vector3(); } }
        public static Vector3 one { get { return new Vector3(); } }
        public static Vector3 Scale(Vector3 a, Vector3 b) { return a; }
        public static Vector3 operator +(Vector3 a, Vector3 b) { return a; }
    }

    public struct Quaternion
    {
        public Vector3 eulerAngles { get { return new Vector3(); } set { } }
        public static Quaternion Euler(Vector3 euler) { return new Quaternion(); }
        public static Quaternion Inverse(Quaternion rotation) { return rotation; }
        public static Quaternion operator *(Quaternion a, Quaternion b) { return a; }
    }

    public struct Rect
    {
        public Rect(float x, float y, float width, float height) { }
    }

    public struct Color
    {
        public static Color black { get { return new Color(); } }
        public Color gamma { get { return this; } }
    }

    public struct Color32
    {
        public Color32(byte r, byte g, byte b, byte a) { }
        public static implicit operator Color(Color32 color) { return new Color(); }
    }

    public sealed class Camera : Behaviour
    {
        public CameraClearFlags clearFlags { get; set; }
        public Color backgroundColor { get; set; }
        public RenderTexture targetTexture { get; set; }
        public float nearClipPlane { get; set; }
        public void Render() { }
    }

    public enum CameraClearFlags { Skybox = 1, SolidColor = 2 }

    public class Renderer : Component
    {
        public Material[] sharedMaterials { get; set; }
    }

    public class SkinnedMeshRenderer : Renderer
    {
        public bool forceMatrixRecalculationPerRender { get; set; }
        public bool updateWhenOffscreen { get; set; }
    }

    public class Material : Object
    {
        public Material(Shader shader) { }
        public void SetFloat(string name, float value) { }
    }

    public sealed class Shader : Object
    {
        public static Shader Find(string name) { return null; }
    }

    public class Texture : Object { }

    public sealed class Texture2D : Texture
    {
        public Texture2D(int width, int height, TextureFormat textureFormat, bool mipChain, bool linear) { }
        public void ReadPixels(Rect source, int destX, int destY, bool recalculateMipMaps) { }
        public byte[] GetRawTextureData() { return null; }
    }

    public enum TextureFormat { RGB24 = 3 }

    public class RenderTexture : Texture
    {
        public static RenderTexture active { get; set; }

        public static RenderTexture GetTemporary(
            int width, int height, int depthBuffer, RenderTextureFormat format, RenderTextureReadWrite readWrite, int antiAliasing)
        {
            return null;
        }

        public static void ReleaseTemporary(RenderTexture temp) { }
    }

    public enum RenderTextureFormat { ARGB32 }

    public enum RenderTextureReadWrite { Default, Linear, sRGB }

    public enum RenderMode { ScreenSpaceOverlay, ScreenSpaceCamera, WorldSpace }

    public sealed class Canvas : Behaviour
    {
        public RenderMode renderMode { get; set; }
        public Camera worldCamera { get; set; }
        public float planeDistance { get; set; }
        public int sortingOrder { get; set; }
        public static void ForceUpdateCanvases() { }
    }

    public enum ColorSpace { Uninitialized = -1, Gamma, Linear }

    public sealed class QualitySettings : Object
    {
        public static int vSyncCount { get; set; }
        public static ColorSpace activeColorSpace { get { return ColorSpace.Linear; } }
    }

    public static class Application
    {
        public static bool runInBackground { get; set; }
        public static int targetFrameRate { get; set; }
        public static string unityVersion { get { return ""; } }
        public static string version { get { return ""; } }
        public static void Quit() { }
    }

    public static class Debug
    {
        public static void Log(object message) { }
        public static void LogError(object message) { }
        public static void LogException(Exception exception) { }
    }

    public class TextAsset : Object
    {
        public string text { get { return ""; } }
    }

    [AttributeUsage(AttributeTargets.Field)]
    public sealed class TooltipAttribute : Attribute
    {
        public TooltipAttribute(string tooltip) { }
    }
}

namespace UnityEngine.UI
{
    public class Graphic : Behaviour
    {
        public Color color { get; set; }
        public RectTransform rectTransform { get; private set; }
    }

    public class Image : Graphic { }
}
