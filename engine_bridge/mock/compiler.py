"""How the renderer's inner loops are compiled. The same source gives the same code, hence the same bytes, on a machine.

Arithmetic is never reordered; it may be fused, and may assume that no number is NaN, so that loops of float32 are
computed many elements at a time.
"""

from __future__ import annotations

from functools import partial

from numba import njit

_compile = partial(njit, cache=True, error_model="numpy", fastmath={"nnan", "nsz", "contract"})

kernel = _compile()
#: For functions of one element: only inlined ones let a loop handle many elements at once.
inlined = _compile(forceinline=True)
