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
