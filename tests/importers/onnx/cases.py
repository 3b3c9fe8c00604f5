"""A model for every rule: nodes in onnx's text form, inputs, initialisers, opset, and the names that are trained."""

from __future__ import annotations

import numpy as np

Case = tuple[str, dict[str, np.ndarray], dict[str, np.ndarray], int, list[str]]

rng = np.random.default_rng(1)


def r(*shape: int) -> np.ndarray:
    return rng.normal(size=shape)


def i(*numbers: int) -> np.ndarray:
    return np.array(numbers, dtype=np.int64)


x, img, seq = r(4, 3), r(2, 4, 6, 6), r(3, 5, 4)

CASES: dict[str, Case] = {
    "gemm": ("y = Gemm<transB=1,alpha=0.5,beta=2.0>(x, w, b)", {"x": x}, {"w": r(2, 3), "b": r(2)}, 13, ["w", "b"]),
    "gemm_a": ("t=Transpose<perm=[1,0]>(x) y = Gemm<transA=1>(t, w)", {"x": x}, {"w": r(3, 2)}, 13, ["w"]),
    "matmul_add": ("h=MatMul(x,w) y=Add(h,b)", {"x": x}, {"w": r(3, 2), "b": r(2)}, 13, ["w", "b"]),
    "mlp": (
        "h=MatMul(x,w) g=Add(b,h) t=Tanh(g) z=Gemm(t,v,c) y=Softmax(z)",
        {"x": x},
        {"w": r(3, 2), "b": r(2), "v": r(2, 2), "c": r(2)},
        13,
        ["w", "b", "v", "c"],
    ),
    "functions": (
        "h=MatMul(x,w) a=Relu(h) b=Sigmoid(h) c=Tanh(h) d=Erf(h) e=Softplus(h) f=Softsign(h) "
        "g=LeakyRelu<alpha=0.2>(h) k=Elu(h) l=Selu(h) m=Celu<alpha=1.5>(h) o=HardSigmoid(h) p=HardSwish(h) "
        'q=Mish(h) s=Gelu(h) t=Gelu<approximate="tanh">(h) u=Exp(h) v=Sin(h) z=Cos(h) aa=Atan(h) ab=Abs(h) '
        "ac=Sinh(h) ad=Cosh(h) y=Sum(a,b,c,d,e,f,g,k,l,m,o,p,q,s,t,u,v,z,aa,ab,ac,ad)",
        {"x": x},
        {"w": r(3, 2)},
        21,
        ["w"],
    ),
    "swish": ("h=MatMul(x,w) a=Swish(h) b=Swish<alpha=1.7>(h) y=Add(a,b)", {"x": x}, {"w": r(3, 2)}, 24, ["w"]),
    "prelu": ("h=MatMul(x,w) y=PRelu(h,s)", {"x": x}, {"w": r(3, 2), "s": r(2)}, 16, ["w", "s"]),
    "clip": (
        "lo=Constant<value_float=-0.5>() hi=Constant<value_float=0.7>() h=MatMul(x,w) a=Clip(h,lo,hi) "
        "b=Clip(h,lo) c=Clip(h,,hi) y=Sum(a,b,c)",
        {"x": x},
        {"w": r(3, 2)},
        13,
        ["w"],
    ),
    "arith": (
        "two=Constant<value_float=2.0>() half=Constant<value_float=0.5>() h=MatMul(x,w) s=Mul(h,h) "
        "t=Add(s,two) a=Sqrt(t) b=Reciprocal(t) c=Log(t) d=Pow(h,two) e=Pow(t,half) f=Div(h,t) g=Div(two,t) "
        "k=Sub(two,h) l=Div(h,two) m=Neg(h) n=Pow(t,cexp) y=Mean(a,b,c,d,e,f,g,k,l,m,n)",
        {"x": x},
        {"w": r(3, 2), "cexp": np.array(1.7)},
        15,
        ["w"],
    ),
    "maxmin": (
        "h=MatMul(x,w) g=MatMul(x,v) a=Max(h,g) b=Min(h,g,k) c=Max(h,k) y=Sum(a,b,c)",
        {"x": x},
        {"w": r(3, 2), "v": r(3, 2), "k": np.array(0.1)},
        13,
        ["w", "v"],
    ),
    "einsum": ('y=Einsum<equation="ni,io->no">(x,w)', {"x": x}, {"w": r(3, 2)}, 13, ["w"]),
    "einsum3": ('y=Einsum<equation="bti,oi->bto">(x,w)', {"x": seq}, {"w": r(2, 4)}, 13, ["w"]),
    "conv": (
        "y=Conv<kernel_shape=[3,3],pads=[1,0,2,1],strides=[2,1],dilations=[1,2],group=2>(x,w,b)",
        {"x": img},
        {"w": r(6, 2, 3, 3), "b": r(6)},
        13,
        ["w", "b"],
    ),
    "conv_same": (
        'a=Conv<auto_pad="SAME_UPPER",strides=[2,2]>(x,w) b=Conv<auto_pad="SAME_LOWER",strides=[2,2]>(x,w) y=Add(a,b)',
        {"x": img},
        {"w": r(3, 4, 2, 3)},
        13,
        ["w"],
    ),
    "conv1d": ("y=Conv<dilations=[2],pads=[4,0]>(x,w)", {"x": seq}, {"w": r(3, 5, 3)}, 13, ["w"]),
    "convT": (
        "y=ConvTranspose<strides=[2,2],pads=[1,0,0,1],output_padding=[1,1],group=2>(x,w,b)",
        {"x": img},
        {"w": r(4, 3, 3, 3), "b": r(6)},
        13,
        ["w", "b"],
    ),
    "convT_same": (
        'y=ConvTranspose<strides=[2,2],auto_pad="SAME_UPPER">(x,w)',
        {"x": img},
        {"w": r(4, 3, 3, 3)},
        13,
        ["w"],
    ),
    "maxpool": (
        "h=Conv(x,w) a=MaxPool<kernel_shape=[3,3],strides=[2,2],pads=[1,1,1,1]>(h) y=Flatten(a)",
        {"x": img},
        {"w": r(3, 4, 1, 1)},
        13,
        ["w"],
    ),
    "maxpool2": (
        "h=Conv(x,w) y=MaxPool<kernel_shape=[2,2],strides=[2,2]>(h)",
        {"x": img},
        {"w": r(3, 4, 1, 1)},
        13,
        ["w"],
    ),
    "maxpool_ceil": (
        "h=Conv(x,w) y=MaxPool<kernel_shape=[3,3],strides=[2,2],ceil_mode=1>(h)",
        {"x": img},
        {"w": r(3, 4, 1, 1)},
        13,
        ["w"],
    ),
    "avgpool": (
        "h=Conv(x,w) y=AveragePool<kernel_shape=[3,3],strides=[2,2],pads=[1,1,1,1]>(h)",
        {"x": img},
        {"w": r(3, 4, 1, 1)},
        13,
        ["w"],
    ),
    "avgpool_inc": (
        "h=Conv(x,w) y=AveragePool<kernel_shape=[3,3],strides=[2,2],pads=[1,1,1,1],count_include_pad=1>(h)",
        {"x": img},
        {"w": r(3, 4, 1, 1)},
        13,
        ["w"],
    ),
    "avgpool_ceil": (
        "h=Conv(x,w) y=AveragePool<kernel_shape=[3,3],strides=[2,2],ceil_mode=1>(h)",
        {"x": img},
        {"w": r(3, 4, 1, 1)},
        13,
        ["w"],
    ),
    "avgpool_plain": (
        "h=Conv(x,w) y=AveragePool<kernel_shape=[2,2],strides=[2,2]>(h)",
        {"x": img},
        {"w": r(3, 4, 1, 1)},
        13,
        ["w"],
    ),
    "global": (
        "h=Conv(x,w) a=GlobalAveragePool(h) b=GlobalMaxPool(h) c=Add(a,b) y=Flatten(c)",
        {"x": img},
        {"w": r(3, 4, 1, 1)},
        13,
        ["w"],
    ),
    "bn": (
        "h=Conv(x,w) y=BatchNormalization<epsilon=0.001>(h,s,b,m,v)",
        {"x": img},
        {"w": r(3, 4, 1, 1), "s": r(3), "b": r(3), "m": r(3), "v": r(3) ** 2},
        15,
        ["w", "s", "b"],
    ),
    "bn_train": (
        "h=Conv(x,w) y, rm, rv=BatchNormalization<training_mode=1>(h,s,b,m,v)",
        {"x": img},
        {"w": r(3, 4, 1, 1), "s": r(3), "b": r(3), "m": r(3), "v": r(3) ** 2},
        15,
        ["w", "s", "b"],
    ),
    "ln": ("y=LayerNormalization<axis=-2>(x,s,b)", {"x": seq}, {"s": r(5, 4), "b": r(5, 4)}, 17, ["s", "b"]),
    "rms": ("y=RMSNormalization(x,s)", {"x": seq}, {"s": r(4)}, 23, ["s"]),
    "inorm": ("y=InstanceNormalization(x,s,b)", {"x": img}, {"s": r(4), "b": r(4)}, 13, ["s", "b"]),
    "gn21": ("y=GroupNormalization<num_groups=2>(x,s,b)", {"x": img}, {"s": r(4), "b": r(4)}, 21, ["s", "b"]),
    "gn_parts": (
        "sh=Constant<value_ints=[0,2,-1]>() g=Reshape(x,sh) i=InstanceNormalization(g,one,zero) s2=Shape(x) "
        "k=Reshape(i,s2) m=Mul(k,w) y=Add(m,b)",
        {"x": img},
        {"one": np.ones(2), "zero": np.zeros(2), "w": r(4, 1, 1), "b": r(4, 1, 1)},
        13,
        ["w", "b"],
    ),
    "ln_parts": (
        "two=Constant<value_float=2.0>() eps=Constant<value_float=0.00001>() m=ReduceMean<axes=[-1]>(x) "
        "d=Sub(x,m) q=Pow(d,two) v=ReduceMean<axes=[-1]>(q) ve=Add(v,eps) st=Sqrt(ve) nn=Div(d,st) "
        "sc=Mul(nn,w) y=Add(sc,b)",
        {"x": seq},
        {"w": r(4), "b": r(4)},
        13,
        ["w", "b"],
    ),
    "lpn": (
        "h=MatMul(x,w) a=LpNormalization(h) b=LpNormalization<axis=0>(h) y=Add(a,b)",
        {"x": x},
        {"w": r(3, 2)},
        13,
        ["w"],
    ),
    "softmax_axis": (
        "h=MatMul(x,w) a=Softmax<axis=1>(h) b=LogSoftmax<axis=0>(h) y=Add(a,b)",
        {"x": seq},
        {"w": r(4, 2)},
        13,
        ["w"],
    ),
    "reduce": (
        "ax=Constant<value_ints=[1]>() h=MatMul(x,w) a=ReduceMean(h,ax) b=ReduceSum(h,ax) c=ReduceL2(h,ax) "
        "d=ReduceL1(h,ax) e=ReduceMax(h,ax) f=ReduceMin(h,ax) g=ReduceLogSumExp(h,ax) k=ReduceProd(h,ax) "
        "l=ReduceSumSquare(h,ax) y=Sum(a,b,c,d,e,f,g,k,l)",
        {"x": seq},
        {"w": r(4, 2)},
        18,
        ["w"],
    ),
    "reduce13": (
        "h=MatMul(x,w) a=ReduceMean<axes=[1],keepdims=0>(h) b=ReduceMax<axes=[-2],keepdims=0>(h) y=Add(a,b)",
        {"x": seq},
        {"w": r(4, 2)},
        13,
        ["w"],
    ),
    "cumsum": (
        "ax=Constant<value_int=1>() h=MatMul(x,w) a=CumSum(h,ax) b=CumSum<reverse=1>(h,ax) "
        "c=CumSum<exclusive=1,reverse=1>(h,ax) y=Sum(a,b,c)",
        {"x": seq},
        {"w": r(4, 2)},
        14,
        ["w"],
    ),
    "shapes": (
        "h=MatMul(x,w) s=Shape(h) z=Constant<value_int=0>() n0=Gather(s,z) n=Unsqueeze(n0,zz) "
        "t=Concat<axis=0>(n,m1) a=Reshape(h,t) b=Transpose(a) c=Unsqueeze(b,zz) d=Squeeze(c,zz) "
        "e=Flatten<axis=0>(d) y=Tile(e,rep)",
        {"x": seq},
        {"w": r(4, 2), "zz": i(0), "m1": i(-1), "rep": i(2, 1)},
        13,
        ["w"],
    ),
    "slice": (
        "h=MatMul(x,w) a=Slice(h,s,e,ax,st) b=Slice(h,s2,e2,ax,st2) y=Concat<axis=1>(a,b)",
        {"x": seq},
        {
            "w": r(4, 3),
            "s": i(1),
            "e": i(9223372036854775807),
            "ax": i(1),
            "st": i(2),
            "s2": i(-1),
            "e2": i(-9223372036854775807),
            "st2": i(-1),
        },
        13,
        ["w"],
    ),
    "split13": (
        "h=MatMul(x,w) a,b=Split<axis=-1>(h) c,d=Split<axis=-1>(h,sz) f=Mul(a,b) g=Tanh(c) y=Sum(f,g,d)",
        {"x": seq},
        {"w": r(4, 4), "sz": i(2, 2)},
        13,
        ["w"],
    ),
    "split18": (
        "h=MatMul(x,w) a,b,c=Split<axis=-1,num_outputs=3>(h) d=Mul(a,b) y=Concat<axis=-1>(d,c)",
        {"x": seq},
        {"w": r(4, 5)},
        18,
        ["w"],
    ),
    "expand": ("h=MatMul(x,w) y=Expand(h,sh)", {"x": x}, {"w": r(3, 2), "sh": i(2, 1, 2)}, 13, ["w"]),
    "pad": (
        'h=MatMul(x,w) a=Pad(h,p) b=Pad<mode="reflect">(h,p) c=Pad<mode="edge">(h,p) '
        "v=Constant<value_float=1.5>() d=Pad(h,p,v) y=Sum(a,b,c,d)",
        {"x": x},
        {"w": r(3, 3), "p": i(0, 1, 0, 2)},
        18,
        ["w"],
    ),
    "pad_axes": (
        "h=MatMul(x,w) v=Constant<value_float=0.0>() y=Pad(h,p,v,ax)",
        {"x": x},
        {"w": r(3, 3), "p": i(1, 2), "ax": i(-1)},
        18,
        ["w"],
    ),
    "dts": (
        'h=Conv(x,w) a=DepthToSpace<blocksize=2>(h) b=DepthToSpace<blocksize=2,mode="CRD">(h) c=Add(a,b) '
        "y=SpaceToDepth<blocksize=3>(c)",
        {"x": img},
        {"w": r(8, 4, 1, 1)},
        13,
        ["w"],
    ),
    "trilu": (
        "h=MatMul(x,w) a=Trilu(h) k=Constant<value_int=-1>() b=Trilu<upper=0>(h,k) y=Add(a,b)",
        {"x": seq},
        {"w": r(4, 5)},
        14,
        ["w"],
    ),
    "embed": ("e=Gather(w,t) y=ReduceMean<axes=[1]>(e)", {"t": rng.integers(-3, 6, (3, 4))}, {"w": r(6, 3)}, 13, ["w"]),
    "gather_axis": (
        "h=MatMul(x,w) a=Gather<axis=1>(h,k) b=GatherElements<axis=1>(h,g) y=Concat<axis=1>(a,b)",
        {"x": x},
        {"w": r(3, 3), "k": i(2, -3), "g": rng.integers(0, 3, (4, 2))},
        13,
        ["w"],
    ),
    "gathernd": ("h=MatMul(x,w) y=GatherND(h,k)", {"x": x}, {"w": r(3, 3), "k": np.array([[0, 1], [3, 2]])}, 13, ["w"]),
    "scatter": (
        "h=MatMul(x,w) u=MatMul(x,v) a=ScatterElements<axis=1>(h,k,u) us=Constant<value_ints=[0]>() "
        'b=ScatterND(h,kk,r0) c=ScatterElements<axis=1,reduction="add">(h,k,u) y=Sum(a,b,c)',
        {"x": x},
        {
            "w": r(3, 3),
            "v": r(3, 2),
            "k": np.array([[0, 1], [2, 1], [0, 2], [1, 0]]),
            "kk": np.array([[1], [2]]),
            "r0": r(2, 3),
        },
        16,
        ["w", "v"],
    ),
    "where": (
        "h=MatMul(x,w) c=Greater(x,z) y=Where(c,h,k)",
        {"x": x},
        {"w": r(3, 3), "z": np.array(0.0), "k": np.array(2.0)},
        13,
        ["w"],
    ),
    "attention_mask": (
        "q=MatMul(x,w) k=MatMul(x,v) kt=Transpose<perm=[0,2,1]>(k) s=MatMul(q,kt) "
        "f=Constant<value_float=2.0>() rt=Sqrt(f) d=Div(s,rt) m=Where(mask,d,ninf) p=Softmax(m) y=MatMul(p,x)",
        {"x": seq},
        {"w": r(4, 4), "v": r(4, 4), "mask": np.tril(np.ones((5, 5), bool)), "ninf": np.array(-np.inf)},
        13,
        ["w", "v"],
    ),
    "attention_add": (
        "q=MatMul(x,w) kt=Transpose<perm=[0,2,1]>(x) s=MatMul(q,kt) m=Add(s,mask) p=Softmax(m) nn=IsNaN(p) "
        "zero=Constant<value_float=0.0>() pp=Where(nn,zero,p) y=MatMul(pp,x)",
        {"x": seq},
        {"w": r(4, 4), "mask": np.where(np.tril(np.ones((5, 5), bool)), 0, -np.inf)},
        13,
        ["w"],
    ),
    "attention_lowest": (
        "q=MatMul(x,w) kt=Transpose<perm=[0,2,1]>(x) s=MatMul(q,kt) one=Constant<value_float=1.0>() o=Sub(one,mask) "
        "low=Constant<value_float=-3.4028234663852886e38>() m=Mul(o,low) a=Add(s,m) p=Softmax(a) y=MatMul(p,x)",
        {"x": seq},
        {"w": r(4, 4), "mask": np.tril(np.ones((5, 5)))},
        13,
        ["w"],
    ),
    "lstm": (
        "Y,h,c=LSTM<hidden_size=3>(x,w,r,b) y=Squeeze(Y,one)",
        {"x": seq},
        {"w": r(1, 12, 4), "r": r(1, 12, 3), "b": r(1, 24), "one": i(1)},
        14,
        ["w", "r", "b"],
    ),
    "lstm_bi": (
        'y,h,c=LSTM<hidden_size=3,direction="bidirectional">(x,w,r,b)',
        {"x": seq},
        {"w": r(2, 12, 4), "r": r(2, 12, 3), "b": r(2, 24)},
        14,
        ["w", "r", "b"],
    ),
    "lstm_h": (
        'Y,y,c=LSTM<hidden_size=3,direction="reverse">(x,w,r)',
        {"x": seq},
        {"w": r(1, 12, 4), "r": r(1, 12, 3)},
        14,
        ["w", "r"],
    ),
    "gru": (
        "y,h=GRU<hidden_size=3,linear_before_reset=1>(x,w,r,b)",
        {"x": seq},
        {"w": r(1, 9, 4), "r": r(1, 9, 3), "b": r(1, 18)},
        14,
        ["w", "r", "b"],
    ),
    "gru0": (
        "y,h=GRU<hidden_size=3>(x,w,r,b)",
        {"x": seq},
        {"w": r(1, 9, 4), "r": r(1, 9, 3), "b": r(1, 18)},
        14,
        ["w", "r", "b"],
    ),
    "rnn": (
        'y,h=RNN<hidden_size=3,activations=["Tanh"]>(x,w,r,b)',
        {"x": seq},
        {"w": r(1, 3, 4), "r": r(1, 3, 3), "b": r(1, 6)},
        14,
        ["w", "r", "b"],
    ),
    "resize": (
        "h=Conv(x,w) "
        'a=Resize<mode="nearest",coordinate_transformation_mode="asymmetric",nearest_mode="floor">(h,,sc) '
        'b=Resize<mode="linear">(h,,sc) '
        'c=Resize<mode="linear",coordinate_transformation_mode="align_corners">(h,,sc) y=Sum(a,b,c)',
        {"x": img},
        {"w": r(3, 4, 1, 1), "sc": np.array([1, 1, 2, 2.0])},
        13,
        ["w"],
    ),
    "resize_down": (
        'h=Conv(x,w) a=Resize<mode="nearest">(h,,,sz) '
        'b=Resize<mode="linear",coordinate_transformation_mode="pytorch_half_pixel">(h,,,sz) y=Sum(a,b)',
        {"x": img},
        {"w": r(3, 4, 1, 1), "sz": i(2, 3, 4, 3)},
        13,
        ["w"],
    ),
    "const_of_shape": (
        "s=Shape(x) o=ConstantOfShape<value=float[1] {2.0}>(s) a=Mul(x,o) h=MatMul(a,w) "
        "z=Constant<value_int=0>() n=Gather(s,z) one=Constant<value_int=1>() rr=Range(z,n,one) "
        "f=Cast<to=1>(rr) fu=Unsqueeze(f,ax) y=Mul(h,fu)",
        {"x": x},
        {"w": r(3, 2), "ax": i(1)},
        13,
        ["w"],
    ),
    "onehot": (
        "v=Constant<value_floats=[0.0,1.0]>() d=Constant<value_int=5>() o=OneHot(t,d,v) y=MatMul(o,w)",
        {"t": rng.integers(0, 5, (4,))},
        {"w": r(5, 2)},
        13,
        ["w"],
    ),
    "shared": ("h=MatMul(x,w) t=Tanh(h) y=MatMul(t,w)", {"x": x}, {"w": r(3, 3)}, 13, ["w"]),
    "moved_weight": (
        "wt=Transpose<perm=[1,0]>(w) h=MatMul(x,wt) y=Add(h,b)",
        {"x": x},
        {"w": r(2, 3), "b": r(2)},
        13,
        ["w", "b"],
    ),
    "dropout": ("h=MatMul(x,w) y=Dropout(h)", {"x": x}, {"w": r(3, 3)}, 13, ["w"]),
}
