# The extension module, which native/extension.py makes; native/binding.h says what is in it.
from typing import Any

ffi: Any
lib: Any
