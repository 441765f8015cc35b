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
