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
    const u32* pairs;    // NF4: the two bfloat16 levels that a byte stands for
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
    DEVICE void begin(const Piece&, i64, int) {}
    DEVICE void load(const Source& source, int i) { part[i] = stream16(source.from + i * 256); }
    DEVICE float times(int i, const float (&x)[8], const Source& next) {
        const uint4 w = part[i];
        if (next.from) load(next, i);
        return low(w.x) * x[0] + high(w.x) * x[1] + low(w.y) * x[2] + high(w.y) * x[3] +
               low(w.z) * x[4] + high(w.z) * x[5] + low(w.w) * x[6] + high(w.w) * x[7];
    }
};
// 4 bits: a warp reads 512 columns at a time, a lane 16 of them, 8 bytes of a block of 64. Level, scale,
// weight and product are rounded to bfloat16, as by bitsandbytes' kernel for one row.
template <int SLICE> struct Weights<NF4, SLICE> {
    static constexpr int COLUMNS = 16, PARTS = SLICE / 512;
    static_assert(SLICE % 512 == 0, "512 columns at a time");
    struct Source {
        const u8* from = nullptr;
        const u8* scales;
        DEVICE void place(const Piece& piece, i64 start, int lane) {
            const u32 half = (u32)(start / 2);
            from = (const u8*)piece.values + (half + lane * 8);
            scales = piece.scales + (half / 32 + lane / 4);
        }
    };
    uint2 part[PARTS];
    u8 code[PARTS];
    float outer[2], offset;
    int turn;  // part from which the second outer scale holds: 256 scales share one
    DEVICE void load(const Source& source, int i) {
        part[i] = stream8(source.from + i * 256);
        code[i] = __ldg(source.scales + i * 8);
    }
    DEVICE void begin(const Piece& piece, i64 start, int lane) {
        const u32 block = (u32)(start / 64) + lane / 4;
        turn = (256 - (int)(block % 256) + 7) / 8;
        outer[0] = __ldg(piece.scales2 + block / 256);
        outer[1] = __ldg(piece.scales2 + block / 256 + (turn < PARTS ? 1 : 0));
        offset = piece.offset;
    }
    // Sixteen weights in eight words. `table`: the pairs in shared memory, a line of 2^LINE bytes for
    // each byte; `column`: where a lane's own word lies in a line.
    DEVICE void take(int i, const char* table, u32 column, const float* codes, const Source& next,
                     u32 (&weights)[8]) {
        const uint2 both = part[i];
        float scale = codes[code[i]] * (i < turn ? outer[0] : outer[1]) + offset;
        const u32 scales = packed(scale, scale);
        if (next.from) load(next, i);
#pragma unroll
        for (int k = 0; k < 8; k++) {
            const u32 w = k < 4 ? both.x : both.y;
            weights[k] = times2(*(const u32*)(table + placed(w, k % 4, column)), scales);
        }
    }
    // Byte `k` of `w` as the number of a line, and `column` in it.
    static DEVICE u32 placed(u32 w, int k, u32 column) {
        if (LINE == 8) return __byte_perm(w, column, 0x7704 | k << 4);  // by one instruction
        return ((k ? w >> (8 * k - LINE) : w << LINE) & 255u << LINE) | column;
    }
};

// A warp's sums for one row or for two, as eight numbers each that are still to be added. Products in
// bfloat16 are added by the tensor cores, as a product with ones, exactly: four words of a lane by one
// instruction.
template <int FORMAT, int STREAMS> struct Sums {
    float lanes[STREAMS] = {};  // BF16
    float quads[2][4] = {};     // NF4, of four lanes: the first row's, twice, and the second's, twice
    DEVICE void add(int which, u32 first0, u32 second0, u32 first1, u32 second1) {
        float(&sum)[4] = quads[which];
        asm("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 "
            "{%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%8}, {%0,%1,%2,%3};"
            : "+f"(sum[0]), "+f"(sum[1]), "+f"(sum[2]), "+f"(sum[3])
            : "r"(first0), "r"(second0), "r"(first1), "r"(second1), "r"(0x3f803f80u));
    }
    DEVICE void keep(float (*to)[8]) {
        const int lane = threadIdx.x % WARP;
        if (FORMAT == NF4) {
            float first = quads[0][0] + quads[1][0], second = quads[0][2] + quads[1][2];
            if (STREAMS == 1) first += second;  // one row fills both places
            if (lane % 4 == 0) to[0][lane / 4] = first;
            if (STREAMS == 2 && lane % 4 == 0) to[STREAMS - 1][lane / 4] = second;
            return;
        }
#pragma unroll
        for (int i = 0; i < STREAMS; i++) {
            float sum = lanes[i];
            sum += __shfl_xor_sync(ALL, sum, 16);
            sum += __shfl_xor_sync(ALL, sum, 8);
            if (lane < 8) to[i][lane] = sum;
        }
    }
};
DEVICE float added(const float (&eight)[8]) {
    const float4 a = *(const float4*)eight, b = *(const float4*)(eight + 4);
    return ((a.x + a.y) + (a.z + a.w)) + ((b.x + b.y) + (b.z + b.w));
}

// Of which piece a row is, and which of its rows.
struct Spot {
    int which, local;
};
// Of which piece a stream is, and the weight that it begins with.
struct Place {
    int which;
    i64 start;
};
template <int PIECES> DEVICE Spot found(const Gemv& p, int row) {
    Spot spot = {0, row};
#pragma unroll
    for (int i = 0; i + 1 < PIECES; i++)
        if (spot.which == i && spot.local >= p.pieces[i].rows)
            spot.local -= p.pieces[i].rows, spot.which = i + 1;
    return spot;
}

// The end of a row's product: biases, activation, rounding. GATED: `sum` is the gate's, `other` the
// other's; PAIR: the first and the second piece's.
template <int SHAPE, int PIECES, int ACT>
DEVICE void finish(const Gemv& p, int row, float sum, float other) {
    if (SHAPE != ROWS) {
        if (p.pieces[0].bias) sum += wide(p.pieces[0].bias[row]);
        if (p.pieces[1].bias) other += wide(p.pieces[1].bias[row]);
        if (SHAPE == GATED) p.out[row] = narrow(activated<ACT>(rounded(sum)) * rounded(other));
        else p.out[row] = narrow(rounded(sum) + rounded(other));
        return;
    }
    const Spot at = found<PIECES>(p, row);
    const u16* bias = p.pieces[at.which].bias;
    if (bias) sum += wide(bias[at.local]);
    sum = rounded(sum);
    p.out[row] = narrow(ACT != NO_ACT && row >= p.active_from ? activated<ACT>(sum) : sum);
}

// Blocks at work on a multiprocessor at once: about 16 warps, which leaves each its registers.
DEVICE constexpr int resident(int threads) {
    return threads <= 256 ? 512 / threads : threads <= 320 ? 2 : 1;
}

// K columns in SLICES slices, one warp each; GROUPS units at a time in a block. A unit is an output's
// row, or two neighbours (TWICE: two streams of weights for one input, as GATED has anyway).
template <int FORMAT, int SHAPE, int PIECES, int K, int SLICES, int GROUPS, int TWICE, int NORM,
          int ADDS, int ACT>
__global__ void __launch_bounds__(WARP* SLICES* GROUPS, resident(WARP* SLICES* GROUPS))
gemv(const Gemv p) {
    constexpr int WARPS = SLICES * GROUPS, THREADS = WARP * WARPS;
    constexpr int SLICE = K / SLICES;
    using Part = Weights<FORMAT, SLICE>;
    constexpr int PARTS = Part::PARTS, COLUMNS = Part::COLUMNS;
    // The input in registers, packed; left in shared memory where these are short.
    constexpr bool LEFT = SHAPE == GATED && FORMAT == BF16;
    constexpr int AT_ONCE = SHAPE != GATED && TWICE ? 2 : 1, STREAMS = SHAPE == GATED ? 2 : AT_ONCE;
    static_assert(SLICE % 256 == 0, "a slice is a number of 256 columns");
    __shared__ u16 h[NORM == NO_NORM ? 8 : K];
    __shared__ float scratch[WARPS];
    __shared__ float codes[FORMAT == NF4 ? 256 : 1];
    // The 256 lines of pairs, where there are 4 bits, and the sums of all rounds.
    extern __shared__ __align__(16) u32 pairs[];
    using Kept = float[STREAMS][8];
    Kept* const kept = (Kept*)((char*)pairs + (FORMAT == NF4 ? 256 << LINE : 0));

    const int lane = threadIdx.x % WARP, warp = threadIdx.x / WARP;
    const int group = warp / SLICES, slice = warp % SLICES;
    const int stride = gridDim.x * GROUPS, units = p.rows / AT_ONCE;
    int unit = blockIdx.x * GROUPS + group;

    using Source = typename Part::Source;
    Part first, second;
    Source one, other;
    auto place = [&](int at, int which) {  // of a unit's stream
        if (SHAPE == GATED) return Place{which, (i64)at * K + slice * SLICE};
        const int row = at * AT_ONCE + which;
        if (SHAPE == PAIR)  // slice 0 is the first piece, the others are the second
            return slice ? Place{1, (i64)row * (K - SLICE) + (slice - 1) * SLICE}
                         : Place{0, (i64)row * SLICE};
        const Spot spot = found<PIECES>(p, row);
        return Place{spot.which, (i64)spot.local * K + slice * SLICE};
    };
    auto find = [&](int at) {
        one.from = other.from = nullptr;
        if (at >= units) return;
        Place its = place(at, 0);
        one.place(p.pieces[its.which], its.start, lane);
        if (STREAMS == 1) return;
        its = place(at, 1);
        other.place(p.pieces[its.which], its.start, lane);
    };
    auto begin = [&](int at) {
        if (at >= units) return;
        Place its = place(at, 0);
        first.begin(p.pieces[its.which], its.start, lane);
        if (STREAMS == 1) return;
        its = place(at, 1);
        second.begin(p.pieces[its.which], its.start, lane);
    };
    find(unit);
    begin(unit);
#pragma unroll
    for (int i = 0; i < PARTS; i++) {
        if (one.from) first.load(one, i);
        if (other.from) second.load(other, i);
    }
    if (FORMAT == NF4) {
        constexpr int FOURS = 256 * WARP / 4, TURNS = (FOURS + THREADS - 1) / THREADS;
        u32 value[TURNS];
#pragma unroll
        for (int turn = 0; turn < TURNS; turn++) {
            int i = threadIdx.x + turn * THREADS;
            value[turn] = i < FOURS ? __ldg(p.pairs + i / (WARP / 4)) : 0u;
        }
        for (int i = threadIdx.x; i < 256; i += THREADS) codes[i] = __ldg(p.codes + i);
#pragma unroll
        for (int turn = 0; turn < TURNS; turn++) {
            int i = threadIdx.x + turn * THREADS;
            uint4* line = (uint4*)pairs + (i / (WARP / 4) << LINE) / 16;
            if (i < FOURS) line[i % (WARP / 4)] = {value[turn], value[turn], value[turn], value[turn]};
        }
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
    uint4 input[LEFT ? 1 : PARTS][COLUMNS / 8];
    auto taken = [&](int i, int half) {
        return *(const uint4*)(source + (i * WARP + lane) * COLUMNS + 8 * half);
    };
    if (!LEFT)
#pragma unroll
        for (int i = 0; i < PARTS; i++)
#pragma unroll
            for (int half = 0; half < COLUMNS / 8; half++) input[LEFT ? 0 : i][half] = taken(i, half);
    u32 column = lane * 4;
    asm volatile("" : "+r"(column)::"memory");  // no look-up moves up from here: the table is there
    const int rounds = (units + stride - 1) / stride;  // the same for all warps of a block
    for (int round = 0; round < rounds; round++, unit += stride) {
        find(unit + stride);
        Sums<FORMAT, STREAMS> sums;
#pragma unroll
        for (int i = 0; i < PARTS; i++) {
            if constexpr (FORMAT == NF4) {
                u32 a[8], b[8];
                first.take(i, (const char*)pairs, column, codes, one, a);
                if (STREAMS == 2) second.take(i, (const char*)pairs, column, codes, other, b);
#pragma unroll
                for (int k = 0; k < 8; k++) {
                    const uint4 four = input[LEFT ? 0 : i][COLUMNS == 16 && k >= 4];
                    const u32 x = k % 4 == 0   ? four.x
                                  : k % 4 == 1 ? four.y
                                  : k % 4 == 2 ? four.z
                                               : four.w;
                    a[k] = times2(a[k], x);
                    if (STREAMS == 2) b[k] = times2(b[k], x);
                }
#pragma unroll
                for (int k = 0; k < 8; k += STREAMS == 2 ? 2 : 4)
                    if (STREAMS == 2) sums.add(k / 2 % 2, a[k], b[k], a[k + 1], b[k + 1]);
                    else sums.add(k / 4, a[k], a[k + 1], a[k + 2], a[k + 3]);
            } else {
                uint4 eight = LEFT ? taken(i, 0) : input[LEFT ? 0 : i][0];
                // Said to change here, or all would be unpacked ahead of the loop, and spilled.
                if (!LEFT) asm volatile("" : "+r"(eight.x), "+r"(eight.y), "+r"(eight.z), "+r"(eight.w));
                float x[8];
                spread(eight, x);
                sums.lanes[0] += first.times(i, x, one);
                if (STREAMS == 2) sums.lanes[STREAMS - 1] += second.times(i, x, other);
            }
        }
        begin(unit + stride);
        sums.keep(kept[round * WARPS + warp]);
    }
    __syncthreads();
    // Biases, activation and rounding, a row for each thread.
    for (int i = threadIdx.x; i < rounds * GROUPS * AT_ONCE; i += THREADS) {
        const int round = i / (GROUPS * AT_ONCE), group = i / AT_ONCE % GROUPS, which = i % AT_ONCE;
        const int row = (round * stride + blockIdx.x * GROUPS + group) * AT_ONCE + which;
        if (row >= p.rows) continue;
        const Kept* sums = kept + round * WARPS + group * SLICES;
        float sum = 0.f, beside = 0.f;
#pragma unroll
        for (int slice = 0; slice < SLICES; slice++) {
            (SHAPE == PAIR && slice ? beside : sum) += added(sums[slice][which]);
            if (SHAPE == GATED) beside += added(sums[slice][STREAMS - 1]);
        }
        finish<SHAPE, PIECES, ACT>(p, row, sum, beside);
    }
}
