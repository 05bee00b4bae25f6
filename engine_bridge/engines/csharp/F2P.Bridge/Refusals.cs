using System;
using System.Collections.Generic;

namespace F2P.Bridge
{
    /// <summary>Which refusals end the dialling: the table in section 3 of the protocol.</summary>
    internal static class Refusals
    {
        private static readonly Dictionary<string, int> Final = new Dictionary<string, int>
        {
            { "bad_protocol", 4001 },
            { "bad_token", 4003 },
            { "bad_hello", 4004 },
            { "bad_schema", 4005 },
            { "bad_build", 4006 },
        };

        /// <summary>A refusal message as the exception it means.</summary>
        internal static Exception Understand(string code, string message)
        {
            if (Final.ContainsKey(code)) return new RefusedException(code, message);
            return new ConnectionLostException("refused, " + code + ": " + message);
        }

        /// <summary>Throws RefusedException when a connection was closed with the status of a refusal whose text was lost.</summary>
        internal static void Check(ConnectionLostException lost)
        {
            foreach (KeyValuePair<string, int> refusal in Final)
                if (refusal.Value == lost.Status) throw new RefusedException(refusal.Key, lost.Message);
        }
    }
}
