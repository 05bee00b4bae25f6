using System;
using System.Collections.Generic;

namespace F2P.Bridge
{
    /// <summary>The members of one JSON object by name and type. Every getter throws BadMessageException and names the member.</summary>
    public sealed class JsonObject
    {
        private readonly Dictionary<string, object> _members;

        public JsonObject(object value)
        {
            _members = value as Dictionary<string, object>;
            if (_members == null) throw new BadMessageException("a JSON object was expected");
        }

        public static JsonObject Parse(string text)
        {
            return new JsonObject(Json.Parse(text));
        }

        public IEnumerable<string> Names
        {
            get { return _members.Keys; }
        }

        public bool Has(string name)
        {
            return _members.ContainsKey(name);
        }

        public string Text(string name)
        {
            return Get(name) as string ?? throw Wrong(name, "a string");
        }

        public bool Boolean(string name)
        {
            object value = Get(name);
            return value is bool ? (bool)value : throw Wrong(name, "true or false");
        }

        public double Number(string name)
        {
            object value = Get(name);
            return value is double ? (double)value : throw Wrong(name, "a number");
        }

        public int Integer(string name)
        {
            return ToInteger(Get(name), name);
        }

        public List<object> Items(string name)
        {
            return Get(name) as List<object> ?? throw Wrong(name, "an array");
        }

        public int[] Integers(string name)
        {
            return Items(name).ConvertAll(item => ToInteger(item, name)).ToArray();
        }

        public string[] Texts(string name)
        {
            return Items(name).ConvertAll(item => item as string ?? throw Wrong(name, "an array of strings")).ToArray();
        }

        public double[] Numbers(string name)
        {
            return Items(name).ConvertAll(item => item is double ? (double)item : throw Wrong(name, "an array of numbers")).ToArray();
        }

        public Dictionary<string, string> TextsByName(string name)
        {
            var inner = new JsonObject(Get(name));
            var texts = new Dictionary<string, string>();
            foreach (string key in inner.Names) texts[key] = inner.Text(key);
            return texts;
        }

        private object Get(string name)
        {
            object value;
            if (!_members.TryGetValue(name, out value)) throw new BadMessageException("member '" + name + "' is missing");
            return value;
        }

        private static int ToInteger(object value, string name)
        {
            if (value is double && (double)value == Math.Floor((double)value) && Math.Abs((double)value) <= int.MaxValue)
                return (int)(double)value;
            throw Wrong(name, "an integer");
        }

        private static BadMessageException Wrong(string name, string expected)
        {
            return new BadMessageException("member '" + name + "' must be " + expected);
        }
    }
}
