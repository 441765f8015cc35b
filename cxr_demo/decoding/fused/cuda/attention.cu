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

// What turns one head's vector, a lane's part of it: known before the vector is there.
template <int WIDTH, int ROTATED> struct Turn {
    static constexpr int PER = (WIDTH + WARP - 1) / WARP, HALF = ROTATED / 2;
    u16 weight[PER], cosine[PER], sine[PER];
    bool normed;
    DEVICE void load(const u16* weights, const u16* cosines, const u16* sines) {
        normed = weights;
#pragma unroll
        for (int i = 0; i < PER; i++) {
            int at = threadIdx.x % WARP + i * WARP;
            if (weights && at < WIDTH) weight[i] = __ldg(weights + at);
            if (at < ROTATED) cosine[i] = __ldg(cosines + at % HALF), sine[i] = __ldg(sines + at % HALF);
        }
    }
    // Norm, and rotation of the first `ROTATED`, into `to` and perhaps `also`.
    DEVICE void apply(const u16* from, float eps, float* to, u16* also) const {
        const int lane = threadIdx.x % WARP;
        float value[PER], sum = 0.f;
#pragma unroll
        for (int i = 0; i < PER; i++) {
            int at = lane + i * WARP;
            value[i] = at < WIDTH ? wide(from[at]) : 0.f;
            sum += value[i] * value[i];
        }
        if (normed) {
            float factor = rsqrtf(warp_sum(sum) / WIDTH + eps);
#pragma unroll
            for (int i = 0; i < PER; i++)
                if (lane + i * WARP < WIDTH) value[i] = scaled<GEMMA_RMS>(value[i], factor, weight[i]);
        }
#pragma unroll
        for (int i = 0; i < PER; i++)
            if (lane + i * WARP < WIDTH) to[lane + i * WARP] = value[i];
        __syncwarp();
#pragma unroll
        for (int i = 0; i < PER; i++) {
            int at = lane + i * WARP;
            if (at >= ROTATED) continue;
            float partner = at < HALF ? -to[at + HALF] : to[at - HALF];
            value[i] = rounded(rounded(value[i] * wide(cosine[i])) + rounded(partner * wide(sine[i])));
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
};

// Grid (kv heads, splits, S). A block looks at one part of the columns of one kv head.
template <int WIDTH, int ROTATED, int HEADS, int KV_HEADS, int SPLITS>
__global__ void __launch_bounds__(256) attention(const Attention p) {
    constexpr int WARPS = 8, GROUP = HEADS / KV_HEADS, EIGHTS = WIDTH / 8;
    constexpr int LANES = EIGHTS > 16 ? 32 : EIGHTS > 8 ? 16 : EIGHTS > 4 ? 8 : EIGHTS > 2 ? 4 : 2;
    constexpr int AT_ONCE = WARP / LANES, TEAMS = WARPS * AT_ONCE;
    constexpr int AHEAD = SPLITS == 1 ? 2 : 4;  // columns on their way, for each team
    static_assert(WIDTH % 8 == 0 && EIGHTS <= 32, "a head is 8 to 256 wide");
    constexpr int PAIRS = GROUP * WIDTH / 2;  // outputs, two by two
    __shared__ float query[GROUP][WIDTH], spare[WIDTH];
    __shared__ float most[TEAMS][GROUP], weight[TEAMS][GROUP];
    __shared__ __align__(8) float gathered[TEAMS][GROUP][WIDTH];
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
    auto fetch = [&](const u16* from, int at) -> uint4 {
        if (at >= to || !mine) return {0, 0, 0, 0};
        return *(const uint4*)(from + (i64)at * WIDTH + part * 8);
    };
    // Older columns lie there since earlier steps; only the newest has to be waited for.
#pragma unroll
    for (int i = 0; i < AHEAD; i++) {
        int at = from + i * TEAMS + team;
        if (at == newest) at = to;
        k[i] = fetch(keys, at), v[i] = fetch(values, at);
    }
    Turn<WIDTH, ROTATED> turn;  // of the vector that is this warp's: a query, the new key or value
    int vector = warp;
    turn.load(vector < GROUP ? p.q_weight : p.k_weight, cosines, sines);
    let_next_begin();
    wait_for_previous();

    while (vector < GROUP + 2) {
        if (vector < GROUP) {
            const u16* q = p.q + (i64)slot * p.q_stride + (kv * GROUP + vector) * WIDTH;
            turn.apply(q, p.eps, query[vector], nullptr);
        } else if (newest >= from && newest < to) {  // this block owns the new column
            if (vector == GROUP) {
                const u16* k = p.k + (i64)slot * p.kv_stride + kv * WIDTH;
                turn.apply(k, p.eps, spare, keys + (i64)newest * WIDTH);
            } else {
                const u16* v = p.v + (i64)slot * p.kv_stride + kv * WIDTH;
                for (int i = lane; i < WIDTH; i += WARP) values[(i64)newest * WIDTH + i] = v[i];
            }
        }
        vector += WARPS;
        if (vector < GROUP + 2) turn.load(vector < GROUP ? p.q_weight : p.k_weight, cosines, sines);
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
        if (from + i * TEAMS + team == newest) k[i] = fetch(keys, newest), v[i] = fetch(values, newest);
    for (int step = 0; step < steps; step += AHEAD) {
        const int at = from + step * TEAMS + team;  // and every TEAMS-th behind it
        float score[GROUP][AHEAD];
#pragma unroll
        for (int i = 0; i < AHEAD; i++) {
            float key[8];
            spread(k[i], key);
            k[i] = fetch(keys, at + (i + AHEAD) * TEAMS);
#pragma unroll
            for (int head = 0; head < GROUP; head++) {
                float sum = 0.f;
#pragma unroll
                for (int j = 0; j < 8; j++) sum += q[head][j] * key[j];
                score[head][i] = sum;
            }
        }
#pragma unroll
        for (int apart = LANES / 2; apart; apart >>= 1)
#pragma unroll
            for (int i = 0; i < AHEAD; i++)
#pragma unroll
                for (int head = 0; head < GROUP; head++)
                    score[head][i] += __shfl_xor_sync(ALL, score[head][i], apart);
#pragma unroll
        for (int head = 0; head < GROUP; head++) {
            float higher = top[head];
#pragma unroll
            for (int i = 0; i < AHEAD; i++)
                if (at + i * TEAMS < to) higher = fmaxf(higher, score[head][i]);
            float keep = __expf(top[head] - higher);
            top[head] = higher, total[head] *= keep;
#pragma unroll
            for (int j = 0; j < 8; j++) sum[head][j] *= keep;
#pragma unroll
            for (int i = 0; i < AHEAD; i++) {  // from here on a score is a share
                score[head][i] = at + i * TEAMS < to ? __expf(score[head][i] - higher) : 0.f;
                total[head] += score[head][i];
            }
        }
#pragma unroll
        for (int i = 0; i < AHEAD; i++) {
            float value[8];
            spread(v[i], value);
            v[i] = fetch(values, at + (i + AHEAD) * TEAMS);
#pragma unroll
            for (int head = 0; head < GROUP; head++)
#pragma unroll
                for (int j = 0; j < 8; j++) sum[head][j] += score[head][i] * value[j];
        }
    }
    // The teams' sums, brought to one measure.
#pragma unroll
    for (int head = 0; head < GROUP; head++)
        if (part == 0) most[team][head] = top[head];
    __syncthreads();
#pragma unroll
    for (int head = 0; head < GROUP; head++) {
        float higher = -1e30f;
#pragma unroll
        for (int each = 0; each < TEAMS; each++) higher = fmaxf(higher, most[each][head]);
        float keep = __expf(top[head] - higher);
        top[head] = higher;
        if (part == 0) weight[team][head] = total[head] * keep;
        if (mine)
#pragma unroll
            for (int i = 0; i < 8; i++) gathered[team][head][part * 8 + i] = sum[head][i] * keep;
    }
    __syncthreads();
    for (int i = threadIdx.x; i < PAIRS; i += blockDim.x) {
        const int head = 2 * i / WIDTH, at = 2 * i % WIDTH;
        float all = 0.f;
        float2 share = {0.f, 0.f};
#pragma unroll
        for (int each = 0; each < TEAMS; each++) {
            const float2 two = *(const float2*)&gathered[each][head][at];
            all += weight[each][head], share.x += two.x, share.y += two.y;
        }
        i64 place = (i64)slot * HEADS + kv * GROUP + head;
        if (SPLITS == 1) {
            ((u32*)p.out)[(place * WIDTH + at) / 2] = packed(share.x / all, share.y / all);
            continue;
        }
        float2* row = (float2*)(p.parts + (place * SPLITS + split) * (WIDTH + 2));
        row[at / 2] = share;
        if (at) continue;
        float higher = top[0];
#pragma unroll
        for (int each = 1; each < GROUP; each++) higher = head == each ? top[each] : higher;
        row[WIDTH / 2] = {higher, all};
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
    for (int i = threadIdx.x; i < PAIRS; i += blockDim.x) {
        const int head = 2 * i / WIDTH, at = 2 * i % WIDTH;
        i64 place = (i64)slot * HEADS + kv * GROUP + head;
        const float2* rows = (const float2*)(p.parts + place * SPLITS * (WIDTH + 2));
        float2 shares[SPLITS], about[SPLITS];  // `about`: a part's highest score and its weight
#pragma unroll
        for (int each = 0; each < SPLITS; each++) {
            const float2* row = rows + each * (WIDTH + 2) / 2;
            about[each] = __ldcg(row + WIDTH / 2), shares[each] = __ldcg(row + at / 2);
        }
        float higher = -1e30f, all = 0.f;
        float2 share = {0.f, 0.f};
#pragma unroll
        for (int each = 0; each < SPLITS; each++) higher = fmaxf(higher, about[each].x);
#pragma unroll
        for (int each = 0; each < SPLITS; each++) {
            float keep = __expf(about[each].x - higher);
            all += about[each].y * keep;
            share.x += shares[each].x * keep, share.y += shares[each].y * keep;
        }
        ((u32*)p.out)[(place * WIDTH + at) / 2] = packed(share.x / all, share.y / all);
    }
}
