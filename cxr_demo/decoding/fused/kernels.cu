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
DEVICE u16 narrow(float value) {  // to nearest, ties to even; NaN stays NaN
    u32 bits = __float_as_uint(value);
    if ((bits & 0x7fffffffu) > 0x7f800000u) return 0x7fc0;
    return (u16)((bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16);
}
DEVICE float rounded(float value) { return wide(narrow(value)); }
DEVICE u32 packed(float first, float second) {
#if __CUDA_ARCH__ >= 800
    u32 both;
    asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(both) : "f"(second), "f"(first));
    return both;
#else
    return (u32)narrow(first) | ((u32)narrow(second) << 16);
#endif
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
    if (ACT == GELU_NEW) {  // transformers computes it step by step in bfloat16
        float cube = rounded(rounded(x * x * x) * rounded(0.044715f));
        float inner = rounded(rounded(0.7978845608028654f) * rounded(x + cube));
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

// ------------------------------------------------------------------ matrix-vector products

struct Piece {  // one linear layer (rows, columns)
    const void* values;    // bfloat16, or two 4-bit codes a byte, the first in the upper half
    const u8* scales;      // NF4: one code per 64 weights
    const float* scales2;  // NF4: one per 256 codes
    const u16* bias;       // or null
    float offset;          // NF4: added to each scale
    int rows;
};
struct Gemv {
    Input in;
    Piece pieces[4];
    const u16* more;     // PAIR: the input of the second piece
    const float* codes;  // NF4: the 256 values that a scale's code stands for
    const u32* pairs;    // NF4: the two bfloat16 values that a byte stands for
    u16* out;
    int rows;            // of all pieces together, or of the output
    int active_from;     // ROWS: from this row on the activation is applied
};

// A lane's part of one row's slice, in parts of COLUMNS columns. `times` multiplies one part and then
// loads that of the next row into its registers, so that memory does not wait for arithmetic.
// `from` null: there is no next row.
template <int FORMAT, int SLICE> struct Weights;
template <int SLICE> struct Weights<BF16, SLICE> {
    static constexpr int COLUMNS = 8, PARTS = SLICE / 256;
    struct Source {
        const u16* from = nullptr;
        DEVICE void place(const Piece& piece, i64 start, int lane) {
            from = (const u16*)piece.values + start + lane * 8;
        }
    };
    uint4 part[PARTS];
    DEVICE void begin(const Source&) {}
    DEVICE void load(const Source& source, int i) { part[i] = stream16(source.from + i * 256); }
    DEVICE float times(int i, const float (&x)[8], const u32*, const float*, const Source& next) {
        const uint4 w = part[i];
        if (next.from) load(next, i);
        return low(w.x) * x[0] + high(w.x) * x[1] + low(w.y) * x[2] + high(w.y) * x[3] +
               low(w.z) * x[4] + high(w.z) * x[5] + low(w.w) * x[6] + high(w.w) * x[7];
    }
};
// 4 bits: a warp reads 512 columns at a time, a lane 16 of them, 8 bytes of a block of 64.
template <int SLICE> struct Weights<NF4, SLICE> {
    static constexpr int COLUMNS = 16, PARTS = SLICE / 512;
    static_assert(SLICE % 512 == 0, "512 columns at a time");
    struct Source {
        const u8* from = nullptr;
        const u8* scales;
        const float* outer;  // the scale of `scales` and of those behind it
        float offset;
        int turn;  // part from which the next outer scale holds: 256 scales share one
        DEVICE void place(const Piece& piece, i64 start, int lane) {
            from = (const u8*)piece.values + start / 2 + lane * 8;
            i64 block = start / 64 + lane / 4;
            scales = piece.scales + block;
            outer = piece.scales2 + block / 256;
            turn = (256 - (int)(block % 256) + 7) / 8;
            offset = piece.offset;
        }
    };
    uint2 part[PARTS];
    u8 code[PARTS];
    float outer[2], offset;
    int turn;
    DEVICE void load(const Source& source, int i) {
        part[i] = stream8(source.from + i * 256);
        code[i] = __ldg(source.scales + i * 8);
    }
    DEVICE void begin(const Source& source) {
        outer[0] = __ldg(source.outer);
        outer[1] = __ldg(source.outer + (source.turn < PARTS ? 1 : 0));
        offset = source.offset, turn = source.turn;
    }
    DEVICE float times(int i, const float (&x)[16], const u32* pairs, const float* codes,
                       const Source& next) {
        const u32 mine = (threadIdx.x % WARP) * 4;
        const uint2 both = part[i];
        float scale = codes[code[i]] * (i < turn ? outer[0] : outer[1]) + offset;
        if (next.from) load(next, i);
        float even = 0.f, odd = 0.f;
#pragma unroll
        for (int half = 0; half < 2; half++) {
            u32 w = half ? both.y : both.x;
            const float* of = x + 8 * half;
            u32 a = *(const u32*)((const char*)pairs + (((w << 7) & 0x7f80u) | mine));
            u32 b = *(const u32*)((const char*)pairs + (((w >> 1) & 0x7f80u) | mine));
            u32 c = *(const u32*)((const char*)pairs + (((w >> 9) & 0x7f80u) | mine));
            u32 d = *(const u32*)((const char*)pairs + (((w >> 17) & 0x7f80u) | mine));
            // The upper value is read with the lower one as its last bits: see `pairs_of`.
            even += low(a) * of[0], odd += __uint_as_float(a) * of[1];
            even += low(b) * of[2], odd += __uint_as_float(b) * of[3];
            even += low(c) * of[4], odd += __uint_as_float(c) * of[5];
            even += low(d) * of[6], odd += __uint_as_float(d) * of[7];
        }
        return (even + odd) * scale;
    }
};

// The end of a row's product: biases, activation, rounding. GATED: `sum` is the gate's, `other` the
// other's; PAIR: the first and the second piece's.
template <int SHAPE, int ACT> DEVICE void finish(const Gemv& p, int row, float sum, float other) {
    if (SHAPE != ROWS) {
        if (p.pieces[0].bias) sum += wide(p.pieces[0].bias[row]);
        if (p.pieces[1].bias) other += wide(p.pieces[1].bias[row]);
        if (SHAPE == GATED) p.out[row] = narrow(activated<ACT>(rounded(sum)) * rounded(other));
        else p.out[row] = narrow(rounded(sum) + rounded(other));
        return;
    }
    int which = 0, local = row;
    while (local >= p.pieces[which].rows) local -= p.pieces[which++].rows;
    if (p.pieces[which].bias) sum += wide(p.pieces[which].bias[local]);
    sum = rounded(sum);
    p.out[row] = narrow(ACT != NO_ACT && row >= p.active_from ? activated<ACT>(sum) : sum);
}

// Blocks at work on a multiprocessor at once: about 16 warps, which leaves each its registers.
DEVICE constexpr int resident(int threads) { return threads <= 192 ? 3 : threads <= 320 ? 2 : 1; }

// K columns in SLICES slices, one warp each; GROUPS rows at a time in a block.
template <int FORMAT, int SHAPE, int K, int SLICES, int GROUPS, int NORM, int ADDS, int ACT>
__global__ void __launch_bounds__(WARP* SLICES* GROUPS, resident(WARP* SLICES* GROUPS))
gemv(const Gemv p) {
    constexpr int THREADS = WARP * SLICES * GROUPS;
    constexpr int SLICE = K / SLICES;
    using Part = Weights<FORMAT, SLICE>;
    constexpr int PARTS = Part::PARTS, COLUMNS = Part::COLUMNS;
    // The input in registers: packed where arithmetic has time to unpack it (bfloat16 waits for
    // memory, and two rows of 4 bits share it); left in shared memory where registers are short.
    constexpr bool SHARED = SHAPE == GATED || FORMAT == BF16;
    constexpr bool LEFT = SHAPE == GATED && FORMAT == BF16;
    constexpr int SUMS = SHAPE == GATED ? 2 : 1;
    static_assert(SLICE % 256 == 0, "a slice is a number of 256 columns");
    __shared__ u16 h[NORM == NO_NORM ? 8 : K];
    __shared__ float scratch[THREADS / WARP];
    __shared__ float partial[2][GROUPS][SLICES][SUMS];
    __shared__ __align__(16) u32 pairs[FORMAT == NF4 ? 256 * WARP : 4];  // a bank for every lane
    __shared__ float codes[FORMAT == NF4 ? 256 : 1];

    const int lane = threadIdx.x % WARP, warp = threadIdx.x / WARP;
    const int group = warp / SLICES, slice = warp % SLICES;
    const int stride = gridDim.x * GROUPS;
    int row = blockIdx.x * GROUPS + group;

    using Source = typename Part::Source;
    Part first, second;
    auto find = [&](int at, Source& one, Source& other) {
        one.from = other.from = nullptr;
        if (at >= p.rows) return;
        if (SHAPE == PAIR) {  // slice 0 is the first piece, the others are the second
            i64 start = slice ? (i64)at * (K - SLICE) + (slice - 1) * SLICE : (i64)at * SLICE;
            one.place(p.pieces[slice ? 1 : 0], start, lane);
        } else if (SHAPE == GATED) {
            one.place(p.pieces[0], (i64)at * K + slice * SLICE, lane);
            other.place(p.pieces[1], (i64)at * K + slice * SLICE, lane);
        } else {
            int which = 0, local = at;
            while (local >= p.pieces[which].rows) local -= p.pieces[which++].rows;
            one.place(p.pieces[which], (i64)local * K + slice * SLICE, lane);
        }
    };
    Source one, other;
    find(row, one, other);
    if (one.from) first.begin(one);
    if (other.from) second.begin(other);
#pragma unroll
    for (int i = 0; i < PARTS; i++) {
        if (one.from) first.load(one, i);
        if (other.from) second.load(other, i);
    }
    if (FORMAT == NF4) {
        for (int i = threadIdx.x; i < 256 * WARP / 4; i += THREADS) {
            u32 value = __ldg(p.pairs + i / (WARP / 4));
            ((uint4*)pairs)[i] = {value, value, value, value};
        }
        for (int i = threadIdx.x; i < 256; i += THREADS) codes[i] = __ldg(p.codes + i);
    }
    Scales<NORM == NO_NORM ? 8 : K, THREADS, NORM, ADDS> scales;
    if (NORM != NO_NORM) scales.load(p.in);
    let_next_begin();
    wait_for_previous();

    const u16* source = SHAPE == PAIR && slice ? p.more + (slice - 1) * SLICE
                                               : p.in.x + (SHAPE == PAIR ? 0 : slice * SLICE);
    if constexpr (NORM != NO_NORM) {
        normed<K, THREADS, NORM, ADDS>(p.in, scales, h, scratch, blockIdx.x == 0);
        source = h + slice * SLICE;
    } else if (FORMAT == NF4) {
        __syncthreads();
    }
    float x[SHARED ? 1 : PARTS][COLUMNS];
    uint4 tight[SHARED && !LEFT ? PARTS : 1][COLUMNS / 8];
    auto spread = [](const uint4& eight, float* to) {
        to[0] = low(eight.x), to[1] = high(eight.x), to[2] = low(eight.y), to[3] = high(eight.y);
        to[4] = low(eight.z), to[5] = high(eight.z), to[6] = low(eight.w), to[7] = high(eight.w);
    };
#pragma unroll
    for (int i = 0; i < PARTS; i++)
#pragma unroll
        for (int half = 0; half < COLUMNS / 8; half++) {
            int at = (i * WARP + lane) * COLUMNS + 8 * half;
            uint4 eight = *(const uint4*)(source + at);
            if (!SHARED) spread(eight, x[SHARED ? 0 : i] + 8 * half);
            else if (!LEFT) tight[LEFT ? 0 : i][half] = eight;
        }
    const int rounds = (p.rows + stride - 1) / stride;  // the same for all warps of a block
    for (int round = 0; round < rounds; round++, row += stride) {
        find(row + stride, one, other);
        float sum = 0.f, beside = 0.f;
#pragma unroll
        for (int i = 0; i < PARTS; i++) {
            if (SHARED) {
#pragma unroll
                for (int half = 0; half < COLUMNS / 8; half++) {
                    int at = (i * WARP + lane) * COLUMNS + 8 * half;
                    uint4 eight = LEFT ? *(const uint4*)(source + at) : tight[LEFT ? 0 : i][half];
                    // Said to change here, or all would be unpacked ahead of the loop, and spilled.
                    if (!LEFT) asm volatile("" : "+r"(eight.x), "+r"(eight.y), "+r"(eight.z), "+r"(eight.w));
                    spread(eight, x[0] + 8 * half);
                }
            }
            sum += first.times(i, x[SHARED ? 0 : i], pairs, codes, one);
            if (SHAPE == GATED) beside += second.times(i, x[0], pairs, codes, other);
        }
        if (one.from) first.begin(one);
        if (other.from) second.begin(other);
        sum = warp_sum(sum);
        if (SHAPE == GATED) beside = warp_sum(beside);
        if (SLICES > 1) {
            float(*mine)[SUMS] = partial[round & 1][group];
            if (lane == 0) {
                mine[slice][0] = sum;
                if (SHAPE == GATED) mine[slice][SUMS - 1] = beside;
            }
            __syncthreads();
            sum = SHAPE == PAIR ? mine[0][0] : 0.f, beside = 0.f;
            for (int i = SHAPE == PAIR ? 1 : 0; i < SLICES; i++) {
                if (SHAPE == PAIR) beside += mine[i][0];
                else sum += mine[i][0];
                if (SHAPE == GATED) beside += mine[i][SUMS - 1];
            }
        }
        if (lane == 0 && slice == 0 && row < p.rows) finish<SHAPE, ACT>(p, row, sum, beside);
    }
}

// ------------------------------------------------------------------ attention

struct Attention {
    const u16 *q, *k, *v;  // (S, heads * width), rows `q_stride` and `kv_stride` apart
    u16 *keys, *values;    // (S, kv heads, room, width)
    const i64* lengths;    // (S): columns in use before this step
    const u16 *cosines, *sines;      // (room, rotated / 2)
    const u16 *q_weight, *k_weight;  // (width), or null
    float* parts;          // (S, heads, splits, width + 2)
    u32* counters;         // (S, kv heads), zero between launches
    u16* out;              // (S, heads * width)
    float scaling, eps;
    int q_stride, kv_stride, room, window;  // window 0: everything is seen
};

// One head's vector: norm, rotation of the first `ROTATED`, into `to` and perhaps `also`.
template <int WIDTH, int ROTATED>
DEVICE void turned(const u16* from, const u16* weight, float eps, const u16* cosines,
                   const u16* sines, float* to, u16* also) {
    constexpr int PER = (WIDTH + WARP - 1) / WARP;
    const int lane = threadIdx.x % WARP;
    float value[PER], sum = 0.f;
#pragma unroll
    for (int i = 0; i < PER; i++) {
        int at = lane + i * WARP;
        value[i] = at < WIDTH ? wide(from[at]) : 0.f;
        sum += value[i] * value[i];
    }
    if (weight) {
        float factor = rsqrtf(warp_sum(sum) / WIDTH + eps);
#pragma unroll
        for (int i = 0; i < PER; i++) {
            int at = lane + i * WARP;
            if (at < WIDTH) value[i] = scaled<GEMMA_RMS>(value[i], factor, weight[at]);
        }
    }
#pragma unroll
    for (int i = 0; i < PER; i++)
        if (lane + i * WARP < WIDTH) to[lane + i * WARP] = value[i];
    __syncwarp();
    constexpr int HALF = ROTATED / 2;
#pragma unroll
    for (int i = 0; i < PER; i++) {
        int at = lane + i * WARP;
        if (at >= ROTATED) continue;
        int angle = at % HALF;
        float partner = at < HALF ? -to[at + HALF] : to[at - HALF];
        value[i] = rounded(rounded(value[i] * wide(cosines[angle])) +
                           rounded(partner * wide(sines[angle])));
    }
    __syncwarp();
#pragma unroll
    for (int i = 0; i < PER; i++) {
        int at = lane + i * WARP;
        if (at >= WIDTH) continue;
        to[at] = value[i];
        if (also) also[at] = narrow(value[i]);
    }
}

// Grid (kv heads, splits, S). A block looks at one part of the columns of one kv head.
template <int WIDTH, int ROTATED, int HEADS, int KV_HEADS, int SPLITS>
__global__ void __launch_bounds__(256) attention(const Attention p) {
    constexpr int WARPS = 8, GROUP = HEADS / KV_HEADS, EIGHTS = WIDTH / 8;
    constexpr int LANES = EIGHTS > 16 ? 32 : EIGHTS > 8 ? 16 : EIGHTS > 4 ? 8 : EIGHTS > 2 ? 4 : 2;
    constexpr int AT_ONCE = WARP / LANES, TEAMS = WARPS * AT_ONCE;
    constexpr int AHEAD = SPLITS == 1 ? 2 : 4;  // columns on their way, for each team
    static_assert(WIDTH % 8 == 0 && EIGHTS <= 32, "a head is 8 to 256 wide");
    __shared__ float query[GROUP][WIDTH], spare[WIDTH];
    __shared__ float most[TEAMS][GROUP], weight[TEAMS][GROUP];
    __shared__ float gathered[TEAMS][GROUP][WIDTH];
    __shared__ bool is_last;

    const int kv = blockIdx.x, split = blockIdx.y, slot = blockIdx.z;
    const int lane = threadIdx.x % WARP, warp = threadIdx.x / WARP;
    const int newest = (int)p.lengths[slot];
    const int begin = p.window && newest + 1 > p.window ? newest + 1 - p.window : 0;
    const int chunk = (newest + 1 - begin + SPLITS - 1) / SPLITS;
    const int from = begin + split * chunk;
    const int to = from + chunk < newest + 1 ? from + chunk : newest + 1;
    const u16* cosines = p.cosines + newest * (ROTATED / 2);
    const u16* sines = p.sines + newest * (ROTATED / 2);
    u16* keys = p.keys + ((i64)slot * KV_HEADS + kv) * p.room * WIDTH;
    u16* values = p.values + ((i64)slot * KV_HEADS + kv) * p.room * WIDTH;

    const int team = warp * AT_ONCE + lane / LANES, part = lane % LANES;
    const bool mine = part < EIGHTS;
    uint4 k[AHEAD], v[AHEAD];
    auto fetch = [&](int at, int i) {
        k[i] = v[i] = {0, 0, 0, 0};
        if (at >= to || !mine) return;
        k[i] = *(const uint4*)(keys + (i64)at * WIDTH + part * 8);
        v[i] = *(const uint4*)(values + (i64)at * WIDTH + part * 8);
    };
    // Older columns lie there since earlier steps; only the newest has to be waited for.
#pragma unroll
    for (int i = 0; i < AHEAD; i++) {
        int at = from + i * TEAMS + team;
        fetch(at == newest ? to : at, i);
    }
    let_next_begin();
    wait_for_previous();

    for (int head = warp; head < GROUP + 2; head += WARPS) {
        if (head < GROUP) {
            const u16* q = p.q + (i64)slot * p.q_stride + (kv * GROUP + head) * WIDTH;
            turned<WIDTH, ROTATED>(q, p.q_weight, p.eps, cosines, sines, query[head], nullptr);
        } else if (newest >= from && newest < to) {  // this block owns the new column
            if (head == GROUP) {
                const u16* k = p.k + (i64)slot * p.kv_stride + kv * WIDTH;
                turned<WIDTH, ROTATED>(k, p.k_weight, p.eps, cosines, sines, spare,
                                       keys + (i64)newest * WIDTH);
            } else {
                const u16* v = p.v + (i64)slot * p.kv_stride + kv * WIDTH;
                for (int i = lane; i < WIDTH; i += WARP) values[(i64)newest * WIDTH + i] = v[i];
            }
        }
    }
    __syncthreads();

    float q[GROUP][8], sum[GROUP][8], top[GROUP], total[GROUP];
#pragma unroll
    for (int head = 0; head < GROUP; head++) {
        top[head] = -1e30f, total[head] = 0.f;
#pragma unroll
        for (int i = 0; i < 8; i++) {
            q[head][i] = mine ? query[head][part * 8 + i] * p.scaling : 0.f;
            sum[head][i] = 0.f;
        }
    }
    const int steps = (to - from + TEAMS - 1) / TEAMS;
#pragma unroll
    for (int i = 0; i < AHEAD; i++)
        if (from + i * TEAMS + team == newest) fetch(newest, i);
    for (int step = 0; step < steps; step += AHEAD) {
#pragma unroll
      for (int i = 0; i < AHEAD; i++) {
        int at = from + (step + i) * TEAMS + team;
        bool there = at < to;
        float key[8] = {low(k[i].x), high(k[i].x), low(k[i].y), high(k[i].y),
                        low(k[i].z), high(k[i].z), low(k[i].w), high(k[i].w)};
        float value[8] = {low(v[i].x), high(v[i].x), low(v[i].y), high(v[i].y),
                          low(v[i].z), high(v[i].z), low(v[i].w), high(v[i].w)};
        fetch(at + AHEAD * TEAMS, i);
#pragma unroll
        for (int head = 0; head < GROUP; head++) {
            float score = 0.f;
#pragma unroll
            for (int j = 0; j < 8; j++) score += q[head][j] * key[j];
#pragma unroll
            for (int apart = LANES / 2; apart; apart >>= 1)
                score += __shfl_xor_sync(ALL, score, apart);
            if (!there) continue;
            float higher = fmaxf(top[head], score);
            float keep = __expf(top[head] - higher), share = __expf(score - higher);
            top[head] = higher;
            total[head] = total[head] * keep + share;
#pragma unroll
            for (int j = 0; j < 8; j++) sum[head][j] = sum[head][j] * keep + share * value[j];
        }
      }
    }
#pragma unroll
    for (int head = 0; head < GROUP; head++) {
        if (part == 0) most[team][head] = top[head], weight[team][head] = total[head];
        if (mine)
#pragma unroll
            for (int i = 0; i < 8; i++) gathered[team][head][part * 8 + i] = sum[head][i];
    }
    __syncthreads();
    for (int i = threadIdx.x; i < GROUP * WIDTH; i += blockDim.x) {
        int head = i / WIDTH, at = i % WIDTH;
        float higher = -1e30f, all = 0.f, share = 0.f;
        for (int each = 0; each < TEAMS; each++) higher = fmaxf(higher, most[each][head]);
        for (int each = 0; each < TEAMS; each++) {
            float keep = __expf(most[each][head] - higher);
            all += weight[each][head] * keep;
            share += gathered[each][head][at] * keep;
        }
        i64 place = (i64)slot * HEADS + kv * GROUP + head;
        if (SPLITS == 1) {
            p.out[place * WIDTH + at] = narrow(share / all);
        } else {
            float* row = p.parts + (place * SPLITS + split) * (WIDTH + 2);
            row[at] = share;
            if (at == 0) row[WIDTH] = higher, row[WIDTH + 1] = all;
        }
    }
    if (SPLITS == 1) return;
    __threadfence();
    __syncthreads();
    if (threadIdx.x == 0) {
        u32* counter = p.counters + slot * KV_HEADS + kv;
        is_last = atomicAdd(counter, 1u) == SPLITS - 1;
        if (is_last) *counter = 0u;
    }
    __syncthreads();
    if (!is_last) return;
    __threadfence();
    for (int i = threadIdx.x; i < GROUP * WIDTH; i += blockDim.x) {
        int head = i / WIDTH, at = i % WIDTH;
        i64 place = (i64)slot * HEADS + kv * GROUP + head;
        const float* rows = p.parts + place * SPLITS * (WIDTH + 2);
        float tops[SPLITS], totals[SPLITS], shares[SPLITS];
#pragma unroll
        for (int each = 0; each < SPLITS; each++) {
            const float* row = rows + each * (WIDTH + 2);
            tops[each] = __ldcg(row + WIDTH), totals[each] = __ldcg(row + WIDTH + 1);
            shares[each] = __ldcg(row + at);
        }
        float higher = -1e30f, all = 0.f, share = 0.f;
#pragma unroll
        for (int each = 0; each < SPLITS; each++) higher = fmaxf(higher, tops[each]);
#pragma unroll
        for (int each = 0; each < SPLITS; each++) {
            float keep = __expf(tops[each] - higher);
            all += totals[each] * keep, share += shares[each] * keep;
        }
        p.out[place * WIDTH + at] = narrow(share / all);
    }
}

// ------------------------------------------------------------------ several sequences

// Grid (S): x and y (S, D) -> x_out and h (S, D).
template <int D, int NORM, int ADDS>
__global__ void __launch_bounds__(256) prepare(Input in, u16* out) {
    __shared__ u16 h[D];
    __shared__ float scratch[8];
    Scales<D, 256, NORM, ADDS> scales;
    scales.load(in);
    let_next_begin();
    wait_for_previous();
    i64 row = (i64)blockIdx.x * D;
    in.x += row, in.x_out += row;
    if (ADDS != NO_ADD) in.y += row;
    normed<D, 256, NORM, ADDS>(in, scales, h, scratch, true);
    for (int i = threadIdx.x; i < D / 2; i += 256) ((u32*)(out + row))[i] = ((u32*)h)[i];
}

// Grid (blocks): out = act(gate) * up, or act(gate) where up is null; n words of two values.
template <int ACT>
__global__ void __launch_bounds__(256) activate(const u32* gate, const u32* up, u32* out, int n) {
    let_next_begin();
    wait_for_previous();
    for (int i = blockIdx.x * 256 + threadIdx.x; i < n; i += gridDim.x * 256) {
        float a = activated<ACT>(low(gate[i])), b = activated<ACT>(high(gate[i]));
        if (up) a *= low(up[i]), b *= high(up[i]);
        out[i] = packed(a, b);
    }
}

// Grid (blocks): 4 bits to bfloat16, rounded once, as bitsandbytes does; eight weights at a time.
__global__ void __launch_bounds__(256)
unpack(const Piece p, const float* codes, const float* levels, uint4* out, i64 eights) {
    __shared__ float level[16][WARP], code[256];  // a bank for every lane
    for (int i = threadIdx.x; i < 16 * WARP; i += 256) level[i / WARP][i % WARP] = levels[i / WARP];
    code[threadIdx.x] = codes[threadIdx.x];
    const int lane = threadIdx.x % WARP;
    let_next_begin();
    __syncthreads();
    wait_for_previous();  // `out` may still be read
    for (i64 i = blockIdx.x * 256 + threadIdx.x; i < eights; i += (i64)gridDim.x * 256) {
        u32 w = stream4((const u32*)p.values + i);
        i64 block = i / 8;
        float scale = code[__ldg(p.scales + block)] * __ldg(p.scales2 + block / 256) + p.offset;
        uint4 eight;
        auto of = [&](u32 shift) { return level[(w >> shift) & 15][lane] * scale; };
        eight.x = packed(of(4), of(0)), eight.y = packed(of(12), of(8));
        eight.z = packed(of(20), of(16)), eight.w = packed(of(28), of(24));
        out[i] = eight;
    }
}
