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
    DEVICE void begin(const Source&) {}
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
        const float* outer;  // the scale of `scales` and of those behind it
        float offset;
        int turn;  // part from which the next outer scale holds: 256 scales share one
        DEVICE void place(const Piece& piece, i64 start, int lane) {
            const u32 half = (u32)(start / 2), block = half / 32 + lane / 4;
            from = (const u8*)piece.values + (half + lane * 8);
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
    // Sixteen products in eight words. `x`: the same columns of the input; `pairs`: where in shared
    // memory this lane's column of the table begins.
    DEVICE void times(int i, const uint4 (&x)[2], u32 pairs, const float* codes,
                      const Source& next, u32 (&products)[8]) {
        const uint2 both = part[i];
        float scale = codes[code[i]] * (i < turn ? outer[0] : outer[1]) + offset;
        const u32 scales = packed(scale, scale);
        if (next.from) load(next, i);
        auto product = [&](u32 byte, u32 input) {
            u32 levels;
            asm("ld.shared.u32 %0, [%1];" : "=r"(levels) : "r"(byte * (WARP * 4) + pairs));
            return times2(times2(levels, scales), input);
        };
#pragma unroll
        for (int half = 0; half < 2; half++) {
            const u32 w = half ? both.y : both.x;
            products[4 * half] = product(w & 255u, x[half].x);
            products[4 * half + 1] = product(__byte_perm(w, 0, 0x4441), x[half].y);
            products[4 * half + 2] = product(__byte_perm(w, 0, 0x4442), x[half].z);
            products[4 * half + 3] = product(w >> 24, x[half].w);
        }
    }
};

// Sums over a warp's products, for one row or for two beside each other. Those in bfloat16 are added
// up by the tensor cores, as a product with ones, exactly: four words of a lane by one instruction.
struct Sums {
    float first = 0.f, second = 0.f;
    float quads[2][4] = {};  // of four lanes: the first row's, twice, and the second's, twice
    DEVICE void add(int which, u32 first0, u32 second0, u32 first1, u32 second1) {
        float(&sum)[4] = quads[which];
        asm("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 "
            "{%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%8}, {%0,%1,%2,%3};"
            : "+f"(sum[0]), "+f"(sum[1]), "+f"(sum[2]), "+f"(sum[3])
            : "r"(first0), "r"(second0), "r"(first1), "r"(second1), "r"(0x3f803f80u));
    }
    // The warp's sums into `first` and, for two rows, `second`. One row fills both places.
    template <int FORMAT, bool TWO> DEVICE void gather() {
        if (FORMAT == NF4) {
            first = quads[0][0] + quads[1][0], second = quads[0][2] + quads[1][2];
            if (!TWO) first += second;
        }
#pragma unroll
        for (int step = 16; step >= (FORMAT == NF4 ? 4 : 1); step >>= 1) {
            first += __shfl_xor_sync(ALL, first, step);
            if (TWO) second += __shfl_xor_sync(ALL, second, step);
        }
    }
};

// Of which piece a row is, and which of its rows.
struct Spot {
    int which, local;
};
template <int PIECES> DEVICE Spot spot(const Gemv& p, int row) {
    Spot found = {0, row};
#pragma unroll
    for (int i = 0; i + 1 < PIECES; i++)
        if (found.which == i && found.local >= p.pieces[i].rows)
            found.local -= p.pieces[i].rows, found.which = i + 1;
    return found;
}

// The end of a row's product: biases, activation, rounding. GATED: `sum` is the gate's, `other` the
// other's; PAIR: the first and the second piece's.
template <int SHAPE, int ACT>
DEVICE void finish(const Gemv& p, int row, Spot at, float sum, float other) {
    if (SHAPE != ROWS) {
        if (p.pieces[0].bias) sum += wide(p.pieces[0].bias[row]);
        if (p.pieces[1].bias) other += wide(p.pieces[1].bias[row]);
        if (SHAPE == GATED) p.out[row] = narrow(activated<ACT>(rounded(sum)) * rounded(other));
        else p.out[row] = narrow(rounded(sum) + rounded(other));
        return;
    }
    const u16* bias = p.pieces[at.which].bias;
    if (bias) sum += wide(bias[at.local]);
    sum = rounded(sum);
    p.out[row] = narrow(ACT != NO_ACT && row >= p.active_from ? activated<ACT>(sum) : sum);
}

// Blocks at work on a multiprocessor at once: about 16 warps, which leaves each its registers.
DEVICE constexpr int resident(int threads) { return threads <= 192 ? 3 : threads <= 320 ? 2 : 1; }

// K columns in SLICES slices, one warp each; GROUPS rows at a time in a block.
template <int FORMAT, int SHAPE, int PIECES, int K, int SLICES, int GROUPS, int NORM, int ADDS, int ACT>
__global__ void __launch_bounds__(WARP* SLICES* GROUPS, resident(WARP* SLICES* GROUPS))
gemv(const Gemv p) {
    constexpr int THREADS = WARP * SLICES * GROUPS;
    constexpr int SLICE = K / SLICES;
    using Part = Weights<FORMAT, SLICE>;
    constexpr int PARTS = Part::PARTS, COLUMNS = Part::COLUMNS;
    // The input in registers, packed; left in shared memory where these are short.
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
        const Spot place = spot<SHAPE == ROWS ? PIECES : 1>(p, at);
        if (at >= p.rows) return place;
        if (SHAPE == PAIR) {  // slice 0 is the first piece, the others are the second
            i64 start = slice ? (i64)at * (K - SLICE) + (slice - 1) * SLICE : (i64)at * SLICE;
            one.place(p.pieces[slice ? 1 : 0], start, lane);
        } else if (SHAPE == GATED) {
            one.place(p.pieces[0], (i64)at * K + slice * SLICE, lane);
            other.place(p.pieces[1], (i64)at * K + slice * SLICE, lane);
        } else {
            one.place(p.pieces[place.which], (i64)place.local * K + slice * SLICE, lane);
        }
        return place;
    };
    Source one, other;
    Spot at = find(row, one, other);
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
    uint4 input[LEFT ? 1 : PARTS][COLUMNS / 8];
    auto place = [&](int i, int half) {
        return *(const uint4*)(source + (i * WARP + lane) * COLUMNS + 8 * half);
    };
    if (!LEFT)
#pragma unroll
        for (int i = 0; i < PARTS; i++)
#pragma unroll
            for (int half = 0; half < COLUMNS / 8; half++) input[LEFT ? 0 : i][half] = place(i, half);
    u32 column = (u32)__cvta_generic_to_shared(pairs + (FORMAT == NF4 ? lane : 0));
    asm volatile("" : "+r"(column)::"memory");  // no look-up moves up from here: the table is there
    const int rounds = (p.rows + stride - 1) / stride;  // the same for all warps of a block
    for (int round = 0; round < rounds; round++, row += stride) {
        const Spot next = find(row + stride, one, other);
        Sums sums;
#pragma unroll
        for (int i = 0; i < PARTS; i++) {
            if constexpr (FORMAT == NF4) {
                u32 a[8], b[8];
                first.times(i, input[i], column, codes, one, a);
                if (SHAPE == GATED) second.times(i, input[i], column, codes, other, b);
#pragma unroll
                for (int k = 0; k < 8; k += SHAPE == GATED ? 2 : 4)
                    if (SHAPE == GATED) sums.add(k / 2 % 2, a[k], b[k], a[k + 1], b[k + 1]);
                    else sums.add(k / 4, a[k], a[k + 1], a[k + 2], a[k + 3]);
            } else {
                uint4 eight = LEFT ? place(i, 0) : input[LEFT ? 0 : i][0];
                // Said to change here, or all would be unpacked ahead of the loop, and spilled.
                if (!LEFT) asm volatile("" : "+r"(eight.x), "+r"(eight.y), "+r"(eight.z), "+r"(eight.w));
                float x[8] = {low(eight.x), high(eight.x), low(eight.y), high(eight.y),
                              low(eight.z), high(eight.z), low(eight.w), high(eight.w)};
                sums.first += first.times(i, x, one);
                if (SHAPE == GATED) sums.second += second.times(i, x, other);
            }
        }
        if (one.from) first.begin(one);
        if (other.from) second.begin(other);
        sums.gather<FORMAT, SHAPE == GATED>();
        float sum = sums.first, beside = SHAPE == GATED ? sums.second : 0.f;
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
        if (lane == 0 && slice == 0 && row < p.rows) finish<SHAPE, ACT>(p, row, at, sum, beside);
        at = next;
    }
}
