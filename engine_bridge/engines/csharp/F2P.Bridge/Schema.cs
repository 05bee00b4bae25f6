using System;
using System.Collections.Generic;
using System.Linq;

namespace F2P.Bridge
{
    /// <summary>A continuous parameter: a slider with its range in the engine's own units.</summary>
    public sealed class Slider
    {
        public string Name { get; set; }
        public string Group { get; set; }

        /// <summary>For people. A slider that drives no bone repeats its name and says "value".</summary>
        public string Bone { get; set; }
        public string Controller { get; set; }
        public double Minimum { get; set; }
        public double Maximum { get; set; }
        public double Default { get; set; }

        /// <summary>[0, 1] -> engine units.</summary>
        public double Decode(double encoded)
        {
            return Minimum + encoded * (Maximum - Minimum);
        }

        /// <summary>Engine units -> [0, 1].</summary>
        public double Encode(double value)
        {
            return (value - Minimum) / (Maximum - Minimum);
        }
    }

    /// <summary>A discrete parameter: named choices, in the vector a one-hot block.</summary>
    public sealed class Choice
    {
        public string Name { get; set; }
        public string Group { get; set; }
        public string[] Choices { get; set; }
        public string Default { get; set; }
    }

    /// <summary>
    /// The ordered parameters of one character type. A vector has VectorSize numbers: the sliders in order, then one
    /// block per choice in order.
    /// </summary>
    public sealed class Schema
    {
        public Schema(string character, string title, string head, IEnumerable<Slider> sliders, IEnumerable<Choice> choices)
        {
            Character = character;
            Title = title;
            Head = head;
            Sliders = sliders.ToArray();
            Choices = choices.ToArray();
            VectorSize = Sliders.Count + Choices.Sum(choice => choice.Choices.Length);
        }

        public string Character { get; }
        public string Title { get; }
        public string Head { get; }
        public IReadOnlyList<Slider> Sliders { get; }
        public IReadOnlyList<Choice> Choices { get; }
        public int VectorSize { get; }

        /// <summary>A schema from its JSON text, as section 4 of the protocol writes it. Throws BadMessageException.</summary>
        public static Schema Parse(string text)
        {
            JsonObject schema = JsonObject.Parse(text);
            return new Schema(
                schema.Text("character"),
                schema.Text("title"),
                schema.Text("head"),
                schema.Items("continuous").Select(item => ReadSlider(new JsonObject(item))),
                schema.Items("discrete").Select(item => ReadChoice(new JsonObject(item))));
        }

        /// <summary>Slider values in engine units, in schema order.</summary>
        public double[] DecodeSliders(float[] vector)
        {
            return Sliders.Select((slider, index) => slider.Decode(vector[index])).ToArray();
        }

        /// <summary>Which choice each block names: its largest entry, the first if several are equal.</summary>
        public int[] DecodeChoices(float[] vector)
        {
            var chosen = new int[Choices.Count];
            int start = Sliders.Count;
            for (int block = 0; block < chosen.Length; block++)
            {
                int length = Choices[block].Choices.Length;
                for (int entry = 1; entry < length; entry++)
                    if (vector[start + entry] > vector[start + chosen[block]]) chosen[block] = entry;
                start += length;
            }
            return chosen;
        }

        /// <summary>The vector of values in engine units and chosen indices: what read-back needs.</summary>
        public float[] Encode(IReadOnlyList<double> values, IReadOnlyList<int> chosen)
        {
            var vector = new float[VectorSize];
            for (int index = 0; index < Sliders.Count; index++) vector[index] = (float)Sliders[index].Encode(values[index]);
            int start = Sliders.Count;
            for (int block = 0; block < Choices.Count; block++)
            {
                vector[start + chosen[block]] = 1f;
                start += Choices[block].Choices.Length;
            }
            return vector;
        }

        /// <summary>The members of section 4, ready for Json.Write.</summary>
        public Dictionary<string, object> ToJson()
        {
            return new Dictionary<string, object>
            {
                { "character", Character },
                { "title", Title },
                { "head", Head },
                { "continuous", Sliders.Select(SliderToJson).ToArray() },
                { "discrete", Choices.Select(ChoiceToJson).ToArray() },
            };
        }

        private static Dictionary<string, object> SliderToJson(Slider slider)
        {
            return new Dictionary<string, object>
            {
                { "name", slider.Name },
                { "group", slider.Group },
                { "bone", slider.Bone },
                { "controller", slider.Controller },
                { "minimum", slider.Minimum },
                { "maximum", slider.Maximum },
                { "default", slider.Default },
            };
        }

        private static Dictionary<string, object> ChoiceToJson(Choice choice)
        {
            return new Dictionary<string, object>
            {
                { "name", choice.Name },
                { "group", choice.Group },
                { "choices", choice.Choices },
                { "default", choice.Default },
            };
        }

        private static Slider ReadSlider(JsonObject members)
        {
            return new Slider
            {
                Name = members.Text("name"),
                Group = members.Text("group"),
                Bone = members.Text("bone"),
                Controller = members.Text("controller"),
                Minimum = members.Number("minimum"),
                Maximum = members.Number("maximum"),
                Default = members.Number("default"),
            };
        }

        private static Choice ReadChoice(JsonObject members)
        {
            return new Choice
            {
                Name = members.Text("name"),
                Group = members.Text("group"),
                Choices = members.Texts("choices"),
                Default = members.Text("default"),
            };
        }
    }
}
