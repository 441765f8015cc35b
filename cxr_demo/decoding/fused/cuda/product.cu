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
