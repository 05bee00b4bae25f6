// NOT RUN IN UNITY by the project. One flat level, no light, no fog, opaque: the mask pass.
Shader "F2P/Flat"
{
    Properties { _Level ("Level", Float) = 0 }
    SubShader
    {
        Tags { "RenderType" = "Opaque" "Queue" = "Geometry" }
        Cull Off
        Pass
        {
            CGPROGRAM
            #pragma vertex vert
            #pragma fragment frag
            #include "UnityCG.cginc"
            float _Level;
            float4 vert(float4 vertex : POSITION) : SV_POSITION { return UnityObjectToClipPos(vertex); }
            float4 frag() : SV_Target { return float4(_Level, _Level, _Level, 1); }
            ENDCG
        }
    }
}
