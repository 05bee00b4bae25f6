// NOT RUN IN UNITY by the project: compiled against stubs of the Unity API only. See docs/unity.md.

using System;
using System.Collections.Generic;
using F2P.Bridge;
using UnityEngine;

namespace F2P.Unity.Samples
{
    /// <summary>
    /// A rig whose sliders are channels of bones ("tx" ... "sz", offsets from the rest pose) and whose choices switch objects on.
    /// Bones are found by the schema's "bone". Units: millimetres, degrees, ratios; one Unity unit is a metre.
    /// </summary>
    public sealed class BoneFaceRig : FaceRig
    {
        [Tooltip("The schema as JSON: docs/protocol.md, section 4.")]
        public TextAsset SchemaFile;
        public Transform Skeleton;
        public PartOfMaterial[] PartList;
        public ChoiceObjects[] ChoiceList;

        private readonly Dictionary<Transform, RestPose> _rest = new Dictionary<Transform, RestPose>();
        private Schema _schema;
        private Transform[] _bones;

        /// <summary>The objects of one discrete parameter, in the order of its choices; null where a choice shows nothing.</summary>
        [Serializable]
        public struct ChoiceObjects
        {
            public GameObject[] Objects;
        }

        private struct RestPose
        {
            public Vector3 Position;
            public Quaternion Rotation;
            public Vector3 Scale;
        }

        public override IReadOnlyList<PartOfMaterial> Parts
        {
            get { return PartList; }
        }

        public override Schema ReadSchema()
        {
            _schema = Schema.Parse(SchemaFile.text);
            _bones = new Transform[_schema.Sliders.Count];
            for (int index = 0; index < _bones.Length; index++)
            {
                Transform bone = Find(Skeleton, _schema.Sliders[index].Bone);
                if (bone == null) throw new InvalidOperationException("the skeleton has no bone " + _schema.Sliders[index].Bone);
                _bones[index] = bone;
                _rest[bone] = new RestPose { Position = bone.localPosition, Rotation = bone.localRotation, Scale = bone.localScale };
            }
            return _schema;
        }

        public override void Apply(IReadOnlyList<double> values, IReadOnlyList<int> choices)
        {
            foreach (Transform bone in _rest.Keys) Pose(bone, values);
            for (int block = 0; block < choices.Count; block++)
                for (int choice = 0; choice < ChoiceList[block].Objects.Length; choice++)
                    if (ChoiceList[block].Objects[choice] != null) ChoiceList[block].Objects[choice].SetActive(choice == choices[block]);
        }

        public override void ReadBack(double[] values, int[] choices)
        {
            for (int index = 0; index < values.Length; index++) values[index] = Measure(_bones[index], _schema.Sliders[index].Controller);
            for (int block = 0; block < choices.Length; block++)
                choices[block] = Math.Max(Array.FindIndex(ChoiceList[block].Objects, shown => shown != null && shown.activeSelf), 0);
        }

        private void Pose(Transform bone, IReadOnlyList<double> values)
        {
            Vector3 move = Vector3.zero, turn = Vector3.zero, scale = Vector3.one;
            for (int index = 0; index < _bones.Length; index++)
            {
                if (_bones[index] != bone) continue;
                string controller = _schema.Sliders[index].Controller;
                int axis = Axis(controller);
                if (controller[0] == 't') move[axis] = (float)values[index] / 1000f;
                else if (controller[0] == 'r') turn[axis] = (float)values[index];
                else scale[axis] = (float)values[index];
            }
            RestPose rest = _rest[bone];
            bone.localPosition = rest.Position + move;
            bone.localRotation = rest.Rotation * Quaternion.Euler(turn);
            bone.localScale = Vector3.Scale(rest.Scale, scale);
        }

        private double Measure(Transform bone, string controller)
        {
            RestPose rest = _rest[bone];
            int axis = Axis(controller);
            if (controller[0] == 't') return 1000.0 * (bone.localPosition[axis] - rest.Position[axis]);
            if (controller[0] == 's') return bone.localScale[axis] / rest.Scale[axis];
            float degrees = (Quaternion.Inverse(rest.Rotation) * bone.localRotation).eulerAngles[axis];
            return degrees > 180f ? degrees - 360f : degrees;
        }

        private static int Axis(string controller)
        {
            int axis = controller.Length == 2 && "trs".IndexOf(controller[0]) >= 0 ? "xyz".IndexOf(controller[1]) : -1;
            if (axis < 0) throw new InvalidOperationException("controller " + controller + " is none of tx ... sz; write a FaceRig of your own for it");
            return axis;
        }

        private static Transform Find(Transform root, string name)
        {
            if (root.name == name) return root;
            foreach (Transform child in root)
            {
                Transform found = Find(child, name);
                if (found != null) return found;
            }
            return null;
        }
    }
}
