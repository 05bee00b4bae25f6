using System;
using System.Collections.Generic;
using System.Linq;
using F2P.Bridge;

namespace F2P.Sketch
{
    /// <summary>
    /// What the engine holds of a character: every slider in steps of 1/4096 of its range, every choice as an index. Drawing
    /// and reading back both use this state, so what is read back is what was drawn.
    /// </summary>
    internal sealed class FaceState
    {
        private const int Steps = 4096;

        private readonly Schema _schema;
        private readonly short[] _steps;
        private readonly int[] _chosen;
        private readonly Dictionary<string, int> _sliders, _choices;

        internal FaceState(Schema schema)
        {
            _schema = schema;
            _steps = new short[schema.Sliders.Count];
            _chosen = new int[schema.Choices.Count];
            _sliders = Enumerable.Range(0, _steps.Length).ToDictionary(index => schema.Sliders[index].Name);
            _choices = Enumerable.Range(0, _chosen.Length).ToDictionary(index => schema.Choices[index].Name);
        }

        /// <summary>A slider's value in its own units.</summary>
        internal double this[string slider]
        {
            get { return Value(_sliders[slider]); }
        }

        internal int Chosen(string choice)
        {
            return _chosen[_choices[choice]];
        }

        internal void Apply(double[] values, int[] chosen)
        {
            for (int index = 0; index < _steps.Length; index++)
                _steps[index] = (short)Math.Round(Steps * _schema.Sliders[index].Encode(values[index]));
            Array.Copy(chosen, _chosen, _chosen.Length);
        }

        /// <summary>The vector of the state as it is.</summary>
        internal float[] ReadBack()
        {
            return _schema.Encode(Enumerable.Range(0, _steps.Length).Select(Value).ToArray(), _chosen);
        }

        private double Value(int index)
        {
            return _schema.Sliders[index].Decode((double)_steps[index] / Steps);
        }
    }
}
