// One decode step's kernels, for NVRTC (which comes with torch; no headers are included).
//
//   gemv       norm and residual of what came before, then matrix-vector products, one sequence
//   attention  norm, rotation and storing of the new key, then attention over the cache
//   prepare    norm and residual for several sequences; activate: the MLP's middle for several
//
// Values are rounded to bfloat16 where transformers' modules round, sums are float32. A warp owns a
// slice of the columns, holds that part of the input in registers and streams rows past it. The
// first weights are on their way before the kernel waits for the one in front of it (programmatic
// dependent launch, compute capability 9.0 and up), so that memory does not pause between kernels.
// LINE, defined in front of this by compiler.py, says how wide the table of 4-bit pairs is.

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;
typedef long long i64;

#define DEVICE __device__ __forceinline__
#define WARP 32
#define ALL 0xffffffffu

enum Format { BF16 = 0, NF4 = 1 };
enum NormKind { NO_NORM = 0, GEMMA_RMS = 1, RMS = 2, LAYER = 3 };
enum Add { NO_ADD = 0, ADD = 1, ADD_NORMED = 2 };
enum Act { NO_ACT = 0, GELU_TANH = 1, SILU = 2, GELU_NEW = 3 };
enum Shape { ROWS = 0, GATED = 1, PAIR = 2 };

DEVICE float low(u32 two) { return __uint_as_float(two << 16); }
DEVICE float high(u32 two) { return __uint_as_float(two & 0xffff0000u); }
DEVICE float wide(u16 one) { return __uint_as_float((u32)one << 16); }
DEVICE void spread(uint4 four, float (&to)[8]) {
    to[0] = low(four.x), to[1] = high(four.x), to[2] = low(four.y), to[3] = high(four.y);
    to[4] = low(four.z), to[5] = high(four.z), to[6] = low(four.w), to[7] = high(four.w);
}
DEVICE u32 packed(float first, float second) {  // to nearest, ties to even
    u32 both;
    asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(both) : "f"(second), "f"(first));
    return both;
}
DEVICE u16 narrow(float value) { return (u16)packed(value, 0.f); }
DEVICE float rounded(float value) { return __uint_as_float(packed(0.f, value)); }
DEVICE u32 times2(u32 a, u32 b) {  // two products, each rounded once
    u32 both;
    asm("fma.rn.bf16x2 %0, %1, %2, %3;" : "=r"(both) : "r"(a), "r"(b), "r"(0x80008000u));  // - 0
    return both;
}

// Weights are read once: past L1, and gone from L2 first.
DEVICE uint4 stream16(const void* at) {
    uint4 v;
    asm volatile("ld.global.nc.L1::no_allocate.v4.u32 {%0,%1,%2,%3}, [%4];"
                 : "=r"(v.x), "=r"(v.y), "=r"(v.z), "=r"(v.w) : "l"(at));
    return v;
}
DEVICE uint2 stream8(const void* at) {
    uint2 v;
    asm volatile("ld.global.nc.L1::no_allocate.v2.u32 {%0,%1}, [%2];"
                 : "=r"(v.x), "=r"(v.y) : "l"(at));
    return v;
}
DEVICE u32 stream4(const void* at) {
    u32 v;
    asm volatile("ld.global.nc.L1::no_allocate.u32 %0, [%1];" : "=r"(v) : "l"(at));
    return v;
}
DEVICE void wait_for_previous() {
#if __CUDA_ARCH__ >= 900
    asm volatile("griddepcontrol.wait;" ::: "memory");
#endif
}
DEVICE void let_next_begin() {
#if __CUDA_ARCH__ >= 900
    asm volatile("griddepcontrol.launch_dependents;" ::: "memory");
#endif
}

DEVICE float warp_sum(float value) {
#pragma unroll
    for (int step = 16; step; step >>= 1) value += __shfl_xor_sync(ALL, value, step);
    return value;
}
template <int THREADS> DEVICE float block_sum(float value, float* scratch) {
    value = warp_sum(value);
    __syncthreads();  // scratch may still be read from the sum before
    if (threadIdx.x % WARP == 0) scratch[threadIdx.x / WARP] = value;
    __syncthreads();
    float sum = 0.f;
#pragma unroll
    for (int i = 0; i < THREADS / WARP; i++) sum += scratch[i];
    return sum;
}

template <int ACT> DEVICE float activated(float x) {
    if (ACT == GELU_TANH) {
        float inner = 0.7978845608028654f * (x + 0.044715f * x * x * x);
        return rounded(0.5f * x * (1.f + tanhf(inner)));
    }
    if (ACT == SILU) return rounded(x / (1.f + expf(-x)));
    if (ACT == GELU_NEW) {
        // transformers computes it step by step, and torch rounds each step's result to bfloat16,
        // the cube's square as well, but not the numbers that it multiplies by.
        float cube = rounded(rounded(x * x) * x);
        float inner = rounded(0.7978845608028654f * rounded(x + rounded(0.044715f * cube)));
        return rounded(rounded(0.5f * x) * rounded(1.f + rounded(tanhf(inner))));
    }
    return x;
}

// ------------------------------------------------------------------ norm and residual

struct Input {  // what a product starts from
    const u16* x;       // residual stream (D)
    const u16* y;       // added to it, or null
    u16* x_out;         // where the sum goes
    const u16* y_weight;  // norm of y before it is added
    const u16* weight;  // norm of the sum
    const u16* bias;
    float y_eps, eps;
};

template <int KIND> DEVICE float scaled(float value, float factor, u16 weight) {
    if (KIND == GEMMA_RMS) return rounded(value * factor * (1.f + wide(weight)));
    return rounded(rounded(value * factor) * wide(weight));
}

// The norms' own weights, which can be on their way before the input is there.
template <int D, int THREADS, int NORM, int ADDS> struct Scales {
    static constexpr int WORDS = D / 2, PER = (WORDS + THREADS - 1) / THREADS;
    u32 weight[PER], bias[PER], y_weight[PER];
    DEVICE void load(const Input& in) {
#pragma unroll
        for (int i = 0; i < PER; i++) {
            int at = threadIdx.x + i * THREADS;
            if (at >= WORDS) continue;
            weight[i] = __ldg((const u32*)in.weight + at);
            if (NORM == LAYER) bias[i] = __ldg((const u32*)in.bias + at);
            if (ADDS == ADD_NORMED) y_weight[i] = __ldg((const u32*)in.y_weight + at);
        }
    }
};

// h (D) bfloat16 into shared memory; the sum x + y goes to x_out where `keep` is set.
template <int D, int THREADS, int NORM, int ADDS>
DEVICE void normed(const Input& in, const Scales<D, THREADS, NORM, ADDS>& scales, u16* h,
                   float* scratch, bool keep) {
    constexpr int WORDS = D / 2, PER = (WORDS + THREADS - 1) / THREADS;
    float a[PER], b[PER];
    const u32* x = (const u32*)in.x;
#pragma unroll
    for (int i = 0; i < PER; i++) {
        int at = threadIdx.x + i * THREADS;
        u32 two = at < WORDS ? x[at] : 0u;
        a[i] = low(two), b[i] = high(two);
    }
    if (ADDS != NO_ADD) {
        const u32* y = (const u32*)in.y;
        float c[PER], d[PER], sum = 0.f;
#pragma unroll
        for (int i = 0; i < PER; i++) {
            int at = threadIdx.x + i * THREADS;
            u32 two = at < WORDS ? y[at] : 0u;
            c[i] = low(two), d[i] = high(two);
            sum += c[i] * c[i] + d[i] * d[i];
        }
        float factor = 1.f;
        if (ADDS == ADD_NORMED) factor = rsqrtf(block_sum<THREADS>(sum, scratch) / D + in.y_eps);
#pragma unroll
        for (int i = 0; i < PER; i++) {
            int at = threadIdx.x + i * THREADS;
            if (at >= WORDS) continue;
            if (ADDS == ADD_NORMED) {
                u32 weight = scales.y_weight[i];
                c[i] = scaled<NORM>(c[i], factor, (u16)weight);
                d[i] = scaled<NORM>(d[i], factor, (u16)(weight >> 16));
            }
            a[i] = rounded(a[i] + c[i]), b[i] = rounded(b[i] + d[i]);
        }
    }
    float sum = 0.f, mean = 0.f;
    if (NORM == LAYER) {
#pragma unroll
        for (int i = 0; i < PER; i++) mean += a[i] + b[i];
        mean = block_sum<THREADS>(mean, scratch) / D;
    }
#pragma unroll
    for (int i = 0; i < PER; i++) {
        if (threadIdx.x + i * THREADS >= WORDS) continue;
        sum += (a[i] - mean) * (a[i] - mean) + (b[i] - mean) * (b[i] - mean);
    }
    float factor = rsqrtf(block_sum<THREADS>(sum, scratch) / D + in.eps);
#pragma unroll
    for (int i = 0; i < PER; i++) {
        int at = threadIdx.x + i * THREADS;
        if (at >= WORDS) continue;
        if (keep) ((u32*)in.x_out)[at] = packed(a[i], b[i]);
        u32 weight = scales.weight[i];
        if (NORM == LAYER) {
            u32 bias = scales.bias[i];
            a[i] = (a[i] - mean) * factor * low(weight) + low(bias);
            b[i] = (b[i] - mean) * factor * high(weight) + high(bias);
        } else {
            a[i] = scaled<NORM>(a[i], factor, (u16)weight);
            b[i] = scaled<NORM>(b[i], factor, (u16)(weight >> 16));
        }
        ((u32*)h)[at] = packed(a[i], b[i]);
    }
    __syncthreads();
}
