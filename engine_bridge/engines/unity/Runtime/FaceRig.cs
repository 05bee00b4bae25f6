// NOT RUN IN UNITY by the project: compiled against stubs of the Unity API only. See docs/unity.md.

using System.Collections.Generic;
using F2P.Bridge;
using UnityEngine;

namespace F2P.Unity
{
    /// <summary>
    /// What you write for your character: its parameters, and how a value gets to a bone, a blend shape or a material.
    /// Samples/BoneFaceRig.cs is an example. All calls come on Unity's main thread.
    /// </summary>
    public abstract class FaceRig : MonoBehaviour
    {
        /// <summary>The parameters. Schema.Parse reads them from a TextAsset. Called once, when the component starts.</summary>
        public abstract Schema ReadSchema();

        /// <summary>Puts values (engine units, schema order) and choices (indices) onto the character.</summary>
        public abstract void Apply(IReadOnlyList<double> values, IReadOnlyList<int> choices);

        /// <summary>Reads the same back from bones, blend shapes and materials: never from what Apply was given.</summary>
        public abstract void ReadBack(double[] values, int[] choices);

        /// <summary>Every material slot that the studio camera sees, with its part: clothes and stands are Part.Background.</summary>
        public abstract IReadOnlyList<PartOfMaterial> Parts { get; }

        /// <summary>Names of the scene fields that ApplyScene honours. None by default: the studio only.</summary>
        public virtual string[] SceneFields
        {
            get { return new string[0]; }
        }

        /// <summary>Lights, camera, pose and tints of a scene; a new Scene() is the studio.</summary>
        public virtual void ApplyScene(Scene scene) { }
    }

    /// <summary>One material slot of a renderer, and the part of the face that it shows.</summary>
    [System.Serializable]
    public struct PartOfMaterial
    {
        public Renderer Renderer;
        public int Slot;
        public Part Part;
    }
}
