// Strict JSON (RFC 8259) without a dependency: the messages of the protocol are small, and every number fits a double.
//
//   object -> Dictionary<string, object>    array -> List<object>    number -> double
//   string -> string                        true, false -> bool      null -> null

using System;
using System.Collections;
using System.Collections.Generic;
using System.Globalization;
using System.Text;

namespace F2P.Bridge
{
    /// <summary>A message that cannot be understood. The text is one line for a person.</summary>
    public sealed class BadMessageException : Exception
    {
        public BadMessageException(string message) : base(message) { }
    }

    /// <summary>Reads and writes JSON texts.</summary>
    public static class Json
    {
        /// <summary>The value of a JSON text. Throws BadMessageException for anything that is not strict JSON.</summary>
        public static object Parse(string text)
        {
            return new JsonReader(text).ReadDocument();
        }

        /// <summary>The JSON text of dictionaries, lists, strings, booleans, null and numbers.</summary>
        public static string Write(object value)
        {
            var text = new StringBuilder();
            Append(text, value);
            return text.ToString();
        }

        private static void Append(StringBuilder text, object value)
        {
            if (value == null) text.Append("null");
            else if (value is bool) text.Append((bool)value ? "true" : "false");
            else if (value is string) AppendString(text, (string)value);
            else if (value is IDictionary<string, object>) AppendObject(text, (IDictionary<string, object>)value);
            else if (value is IEnumerable) AppendArray(text, (IEnumerable)value);
            else AppendNumber(text, value);
        }

        private static void AppendObject(StringBuilder text, IDictionary<string, object> members)
        {
            string separator = "{";
            foreach (KeyValuePair<string, object> member in members)
            {
                text.Append(separator);
                AppendString(text, member.Key);
                text.Append(": ");
                Append(text, member.Value);
                separator = ", ";
            }
            text.Append(members.Count == 0 ? "{}" : "}");
        }

        private static void AppendArray(StringBuilder text, IEnumerable items)
        {
            text.Append('[');
            string separator = "";
            foreach (object item in items)
            {
                text.Append(separator);
                Append(text, item);
                separator = ", ";
            }
            text.Append(']');
        }

        private static void AppendNumber(StringBuilder text, object value)
        {
            if (!(value is double) && !(value is float))
            {
                text.Append(Convert.ToString(value, CultureInfo.InvariantCulture));
                return;
            }
            double number = Convert.ToDouble(value);
            if (double.IsNaN(number) || double.IsInfinity(number)) throw new ArgumentException("JSON has no NaN and no infinity");
            text.Append(number.ToString("R", CultureInfo.InvariantCulture));
        }

        private static void AppendString(StringBuilder text, string value)
        {
            text.Append('"');
            foreach (char letter in value)
            {
                if (letter == '"' || letter == '\\') text.Append('\\').Append(letter);
                else if (letter < ' ' || letter > '~') text.Append("\\u").Append(((int)letter).ToString("x4"));
                else text.Append(letter);
            }
            text.Append('"');
        }
    }

    internal sealed class JsonReader
    {
        private const int MaximumDepth = 32;

        private readonly string _text;
        private int _at;
        private int _depth;

        internal JsonReader(string text)
        {
            _text = text;
        }

        internal object ReadDocument()
        {
            object value = ReadValue();
            SkipSpace();
            if (_at != _text.Length) throw Bad("something follows the JSON value");
            return value;
        }

        private object ReadValue()
        {
            SkipSpace();
            char first = Peek();
            if (first == '{') return Nested(ReadObject);
            if (first == '[') return Nested(ReadArray);
            if (first == '"') return ReadString();
            if (first == 't') return ReadWord("true", true);
            if (first == 'f') return ReadWord("false", false);
            if (first == 'n') return ReadWord("null", null);
            return ReadNumber();
        }

        private object Nested(Func<object> read)
        {
            if (++_depth > MaximumDepth) throw Bad("nested too deeply");
            object value = read();
            _depth--;
            return value;
        }

        private object ReadObject()
        {
            var members = new Dictionary<string, object>();
            _at++;
            if (TryTake('}')) return members;
            do
            {
                SkipSpace();
                if (Peek() != '"') throw Bad("a member's name is missing");
                string name = ReadString();
                if (members.ContainsKey(name)) throw Bad("member '" + name + "' comes twice");
                Take(':');
                members.Add(name, ReadValue());
            }
            while (TryTake(','));
            Take('}');
            return members;
        }

        private object ReadArray()
        {
            var items = new List<object>();
            _at++;
            if (TryTake(']')) return items;
            do items.Add(ReadValue()); while (TryTake(','));
            Take(']');
            return items;
        }

        private string ReadString()
        {
            var text = new StringBuilder();
            for (_at++; Peek() != '"'; _at++)
            {
                if (Peek() < ' ') throw Bad("a control character in a string");
                text.Append(Peek() == '\\' ? ReadEscape() : Peek());
            }
            _at++;
            return text.ToString();
        }

        private char ReadEscape()
        {
            _at++;
            char letter = Peek();
            if (letter == 'u') return ReadCodeUnit();
            int which = "\"\\/bfnrt".IndexOf(letter);
            if (which < 0) throw Bad("an unknown escape");
            return "\"\\/\b\f\n\r\t"[which];
        }

        private char ReadCodeUnit()
        {
            int code = 0;
            for (int digit = 0; digit < 4; digit++)
            {
                _at++;
                int value = "0123456789abcdef".IndexOf(char.ToLowerInvariant(Peek()));
                if (value < 0) throw Bad("\\u needs four hexadecimal digits");
                code = code * 16 + value;
            }
            return (char)code;
        }

        private object ReadWord(string word, object value)
        {
            if (string.CompareOrdinal(_text, _at, word, 0, word.Length) != 0) throw Bad("an unknown word");
            _at += word.Length;
            return value;
        }

        private object ReadNumber()
        {
            int start = _at;
            if (Peek() == '-') _at++;
            int integer = _at;
            ReadDigits();
            if (_text[integer] == '0' && _at > integer + 1) throw Bad("a number begins with 0");
            if (At('.')) { _at++; ReadDigits(); }
            if (At('e') || At('E'))
            {
                _at++;
                if (At('+') || At('-')) _at++;
                ReadDigits();
            }
            double value = double.Parse(_text.Substring(start, _at - start), NumberStyles.Float, CultureInfo.InvariantCulture);
            if (double.IsInfinity(value)) throw Bad("a number is too large");
            return value;
        }

        private void ReadDigits()
        {
            int start = _at;
            while (_at < _text.Length && _text[_at] >= '0' && _text[_at] <= '9') _at++;
            if (_at == start) throw Bad("a value is missing or unknown");
        }

        private void SkipSpace()
        {
            while (_at < _text.Length && " \t\r\n".IndexOf(_text[_at]) >= 0) _at++;
        }

        private void Take(char letter)
        {
            if (!TryTake(letter)) throw Bad("'" + letter + "' is missing");
        }

        private bool TryTake(char letter)
        {
            SkipSpace();
            if (!At(letter)) return false;
            _at++;
            return true;
        }

        private bool At(char letter)
        {
            return _at < _text.Length && _text[_at] == letter;
        }

        private char Peek()
        {
            if (_at >= _text.Length) throw Bad("the text ends too early");
            return _text[_at];
        }

        private BadMessageException Bad(string what)
        {
            return new BadMessageException("not JSON at character " + _at + ": " + what);
        }
    }
}
