"""PyTorch's tensors as arrays that NumPy's functions compute with: `TensorArray`.

What a function of NumPy is in PyTorch stands in `verify.torch.tensors.functions`. A function that is not there is
computed by NumPy itself, on a copy of the numbers in the host's memory (of tensors of the processor, on these numbers
themselves), under the guard of the host's arithmetic; its arrays go back to the device. So is a call with options that
are not there: what is missing costs time, and no bound.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Self, final

import numpy as np
import torch
from numpy.typing import NDArray

from verify.arithmetic.device_arrays import DeviceArray
from verify.torch.tensors.functions import FUNCTIONS, OPTIONS, SIMPLE, UFUNCS

_FORMATS = {
    torch.float64: np.dtype(np.float64),
    torch.int64: np.dtype(np.int64),
    torch.bool: np.dtype(np.bool_),
}
_TENSOR_FORMATS = {numpy_format: tensor_format for tensor_format, numpy_format in _FORMATS.items()}
_HOST_BLOCK = 2**15
"""Entries of an array that stay in a processor's cache with those that it is combined with; the fewest that PyTorch
shares among threads."""


@final
class TensorArray(DeviceArray):
    """A float64, int64 or boolean tensor.

    Parameters
    ----------
    tensor : torch.Tensor
        Not copied.

    Raises
    ------
    TypeError
        If it is of another format: a function would have left float64.

    Examples
    --------
    >>> x = TensorArray(torch.tensor([1.0, -2.0], dtype=torch.float64))
    >>> (np.abs(x) + 1.0).on_host()
    array([2., 3.])
    """

    __slots__ = ("tensor",)

    def __init__(self, tensor: torch.Tensor) -> None:
        if tensor.dtype not in _FORMATS:
            raise TypeError(f"a tensor of float64, int64 or boolean numbers is needed, not one of {tensor.dtype}")
        self.tensor = tensor

    @staticmethod
    def of(array: NDArray[Any], device: torch.device) -> TensorArray:
        """Return a NumPy array's numbers on a device; on the processor, where it can be, the same memory."""
        if not array.flags.writeable or any(stride < 0 for stride in array.strides):
            array = array.copy()  # tensors know no negative strides, and nothing is read-only there
        return TensorArray(torch.from_numpy(array).to(device))

    # what it is

    @property
    def shape(self) -> tuple[int, ...]:  # type: ignore[override]
        """Shape of the array."""
        return tuple(self.tensor.shape)

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return self.tensor.ndim

    @property
    def size(self) -> int:
        """Number of entries."""
        return self.tensor.numel()

    @property
    def dtype(self) -> np.dtype[Any]:  # type: ignore[override]
        """NumPy's name of the format."""
        return _FORMATS[self.tensor.dtype]

    @property
    def block(self) -> int | None:  # type: ignore[override]
        """Elementwise work is cut into blocks on the processor alone."""
        return _HOST_BLOCK if self.tensor.device.type == "cpu" else None

    @property
    def is_contiguous(self) -> bool:  # type: ignore[override]
        """Whether the entries lie in memory in their order."""
        return self.tensor.is_contiguous()

    def on_host(self) -> NDArray[Any]:
        return self.tensor.numpy(force=True)

    def placed(self, array: NDArray[Any]) -> Self:
        return TensorArray.of(array, self.tensor.device)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        return np.array(self.on_host(), dtype=dtype, copy=copy)

    # NumPy's protocols

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, out: Any = None, **options: Any) -> Any:
        native = UFUNCS.get(ufunc)
        if native is not None and method == "__call__" and out is None and not options:
            numbers = ufunc in SIMPLE and self.tensor.dtype == torch.float64
            found = native(*[x.tensor if type(x) is TensorArray else self._operand(x, numbers) for x in inputs])
            return self._by_numpy(ufunc, inputs, options) if found is NotImplemented else TensorArray(found)
        if out is not None:
            options["out"] = out
        if native is None or method != "__call__" or not self._writes(ufunc, inputs, options):
            return self._by_numpy(getattr(ufunc, method), inputs, options)
        native(*(self._operand(x, self.tensor.dtype == torch.float64) for x in inputs), out=out[0].tensor)
        return out[0]

    @staticmethod
    def _writes(ufunc: np.ufunc, inputs: Any, options: Any) -> bool:
        """Whether the only option is that the result be written over the first operand, and it fits there."""
        if ufunc not in SIMPLE or options.keys() != {"out"} or options["out"][0] is not inputs[0]:
            return False
        target, other = inputs
        if not isinstance(target, TensorArray):
            return False
        if isinstance(other, float):
            return bool(target.dtype == np.float64)
        if not isinstance(other, TensorArray | np.ndarray) or target.dtype != other.dtype:
            return False
        shape = other.shape
        return shape in ((), target.shape) or torch.broadcast_shapes(shape, target.shape) == target.shape

    def __array_function__(self, function: Callable[..., Any], types: Any, args: Any, kwargs: Any) -> Any:
        native = FUNCTIONS.get(function)
        if native is not None and kwargs.keys() <= OPTIONS[function]:
            operands = [self._operands(argument) for argument in args]
            options = {key: self._operands(value) for key, value in kwargs.items()}
            found = native(self.tensor.device, *operands, **options)
            if found is not NotImplemented:
                return TensorArray(found)
        return self._by_numpy(function, args, kwargs)

    def _operand(self, x: Any, numbers: bool = False) -> Any:
        """Return a tensor on this device; a float of the host only to float64 ones, others PyTorch would convert."""
        if isinstance(x, TensorArray):
            return x.tensor
        if numbers and isinstance(x, float):
            return float(x)
        array = np.asarray(x)
        if array.dtype not in _TENSOR_FORMATS:
            raise TypeError(f"an operand of float64, int64 or boolean numbers is needed, not one of {array.dtype}")
        return TensorArray.of(array, self.tensor.device).tensor

    def _operands(self, x: Any) -> Any:
        """Replace the arrays among a function's arguments by tensors."""
        if isinstance(x, tuple) and x and isinstance(x[0], int):
            return x
        if isinstance(x, list | tuple) and any(isinstance(member, TensorArray | np.ndarray) for member in x):
            return [self._operands(member) for member in x]
        return self._operand(x) if isinstance(x, TensorArray | np.ndarray) else x

    def _by_numpy(self, function: Callable[..., Any], args: Any, kwargs: Any) -> Any:
        return self._back(function(*_on_host(args), **{key: _on_host(value) for key, value in kwargs.items()}), kwargs)

    def _back(self, found: Any, kwargs: Any) -> Any:
        out = kwargs.get("out")
        if out is not None:
            (target,) = out if isinstance(out, tuple) else (out,)
            if isinstance(target, TensorArray) and target.tensor.device.type != "cpu":
                target.tensor.copy_(torch.from_numpy(np.asarray(found)))
            return target
        if isinstance(found, tuple | list):
            return type(found)(self._back(member, kwargs) for member in found)
        return self.placed(found) if isinstance(found, np.ndarray) and found.dtype in _TENSOR_FORMATS else found

    # methods of arrays

    def __getitem__(self, index: Any) -> TensorArray:
        return TensorArray(self.tensor[_index(index)])

    def __setitem__(self, index: Any, value: Any) -> None:
        self.tensor[_index(index)] = self._operand(value)

    def __len__(self) -> int:
        return len(self.tensor)

    def __iter__(self) -> Iterator[TensorArray]:
        return (self[k] for k in range(len(self)))

    def __bool__(self) -> bool:
        return bool(self.tensor)

    def __float__(self) -> float:
        return float(self.tensor)

    def __int__(self) -> int:
        return int(self.tensor)

    @property
    def T(self) -> TensorArray:  # noqa: N802 -- as in NumPy
        """Transposed array."""
        return self.transpose()

    def copy(self) -> TensorArray:
        """Return the same numbers in other memory."""
        return TensorArray(self.tensor.clone())

    def reshape(self, *shape: Any) -> TensorArray:
        """Return the same entries under another shape."""
        return TensorArray(self.tensor.reshape(*shape))

    def transpose(self, *axes: Any) -> TensorArray:
        """Return the array with permuted axes, reversed by default."""
        order = axes[0] if len(axes) == 1 and axes[0] is not None and not isinstance(axes[0], int) else axes
        if not order or order == (None,):
            order = tuple(reversed(range(self.ndim)))
        return TensorArray(self.tensor.permute(*order))

    def swapaxes(self, first: int, second: int) -> TensorArray:
        """Return the array with two axes exchanged."""
        return TensorArray(self.tensor.swapaxes(first, second))

    def view(self, dtype: Any) -> TensorArray:
        """Return the same bits read in another format of the same size."""
        return TensorArray(self.tensor.view(_TENSOR_FORMATS[np.dtype(dtype)]))

    def astype(self, dtype: Any, copy: bool = True) -> TensorArray:
        """Return the numbers in another format."""
        return TensorArray(self.tensor.to(_TENSOR_FORMATS[np.dtype(dtype)], copy=copy))

    def sum(self, axis: Any = None, keepdims: bool = False) -> Any:
        """As `numpy.sum`."""
        return np.sum(self, axis=axis, keepdims=keepdims)

    def max(self, axis: Any = None, keepdims: bool = False) -> Any:
        """As `numpy.max`."""
        return np.max(self, axis=axis, keepdims=keepdims)

    def min(self, axis: Any = None, keepdims: bool = False) -> Any:
        """As `numpy.min`."""
        return np.min(self, axis=axis, keepdims=keepdims)

    def any(self, axis: Any = None, keepdims: bool = False) -> Any:
        """As `numpy.any`."""
        return np.any(self, axis=axis, keepdims=keepdims)

    def all(self, axis: Any = None, keepdims: bool = False) -> Any:
        """As `numpy.all`."""
        return np.all(self, axis=axis, keepdims=keepdims)

    def __repr__(self) -> str:
        return f"TensorArray({self.on_host()!r}, device={str(self.tensor.device)!r})"


def _on_host(x: Any) -> Any:
    if isinstance(x, TensorArray):
        return x.on_host()
    if isinstance(x, list | tuple):
        return type(x)(_on_host(member) for member in x)
    return x


def _index(index: Any) -> Any:
    """Return an index as PyTorch takes it; it refuses slices with negative steps itself."""
    if isinstance(index, tuple):
        return tuple(_index(part) for part in index)
    if isinstance(index, TensorArray):
        return index.tensor
    return torch.from_numpy(index) if isinstance(index, np.ndarray) else index
