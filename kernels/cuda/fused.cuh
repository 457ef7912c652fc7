// What generated kernels (src/cuda/fuse.rs) are made of: a block takes some pixels, does all steps
// on each, and writes them. Memory is read and written 16 bytes at a time.

// Numbers that come as an argument of the kernel, by value.
template <int COUNT> struct Constants {
  int at[COUNT];
};

namespace fused {

enum { THREADS = 256 };

// Bytes in registers: indices are constants once the loops are unrolled.
template <int BYTES> struct Group {
  unsigned word[BYTES / 4];

  __device__ __forceinline__ int get(int at) const {
    return word[at / 4] >> (at % 4 * 8) & 255;
  }

  __device__ __forceinline__ void put(int at, int value) {
    word[at / 4] |= (static_cast<unsigned>(value) & 255) << (at % 4 * 8);
  }

  __device__ __forceinline__ void set(int part, uint4 four) {
    word[4 * part] = four.x, word[4 * part + 1] = four.y;
    word[4 * part + 2] = four.z, word[4 * part + 3] = four.w;
  }

  __device__ __forceinline__ uint4 four(int part) const {
    return {word[4 * part], word[4 * part + 1], word[4 * part + 2], word[4 * part + 3]};
  }
};

// Grey counts for all three colours, and what has no alpha is opaque.
template <int CHANNELS, class Samples>
__device__ __forceinline__ Pixel read(const Samples &sample, int at) {
  const int r = sample(at);
  if constexpr (CHANNELS == 1) {
    return {r, r, r, 255};
  } else if constexpr (CHANNELS == 3) {
    return {r, sample(at + 1), sample(at + 2), 255};
  } else {
    return {r, sample(at + 1), sample(at + 2), sample(at + 3)};
  }
}

template <int CHANNELS, class Put>
__device__ __forceinline__ void write(Pixel pixel, int at, const Put &put) {
  put(at, pixel.r);
  if constexpr (CHANNELS > 1) {
    put(at + 1, pixel.g);
    put(at + 2, pixel.b);
  }
  if constexpr (CHANNELS == 4) {
    put(at + 3, pixel.a);
  }
}

// A thread's pixels lie together. Where they are not 16 bytes or a power of two times as many,
// neighbouring threads fetch neighbouring 16 bytes, and exchange them.
template <int BYTES>
__device__ __forceinline__ void load(Group<BYTES> &group, const unsigned char *input,
                                     uint4 *shared) {
  constexpr int PARTS = BYTES / 16;
  const uint4 *from = reinterpret_cast<const uint4 *>(input);
  const int thread = threadIdx.x;
  if constexpr (PARTS == 3) {
#pragma unroll
    for (int part = 0; part < PARTS; ++part) {
      shared[part * THREADS + thread] = from[part * THREADS + thread];
    }
    __syncthreads();
    from = shared;
  }
#pragma unroll
  for (int part = 0; part < PARTS; ++part) {
    group.set(part, from[thread * PARTS + part]);
  }
}

template <int BYTES>
__device__ __forceinline__ void store(const Group<BYTES> &group, unsigned char *output,
                                      uint4 *shared) {
  constexpr int PARTS = BYTES / 16;
  uint4 *to = reinterpret_cast<uint4 *>(output);
  const int thread = threadIdx.x;
  if constexpr (PARTS == 3) {
    // Where this thread has read, if it has: nobody else does.
#pragma unroll
    for (int part = 0; part < PARTS; ++part) {
      shared[thread * PARTS + part] = group.four(part);
    }
    __syncthreads();
#pragma unroll
    for (int part = 0; part < PARTS; ++part) {
      to[part * THREADS + thread] = shared[part * THREADS + thread];
    }
  } else {
#pragma unroll
    for (int part = 0; part < PARTS; ++part) {
      to[thread * PARTS + part] = group.four(part);
    }
  }
}

// From IN to OUT channels; `EACH` pixels a thread.
template <int IN, int OUT, int EACH, class Steps>
__device__ __forceinline__ void run(const unsigned char *__restrict__ input,
                                    unsigned char *__restrict__ output, int pixels,
                                    const Steps &steps) {
  const int first = blockIdx.x * (THREADS * EACH);
  const int count = min(pixels - first, THREADS * EACH);
  input = BATCH(input, static_cast<size_t>(pixels) * IN) + static_cast<size_t>(first) * IN;
  output = BATCH(output, static_cast<size_t>(pixels) * OUT) + static_cast<size_t>(first) * OUT;
  if (count < THREADS * EACH) {
    const auto get = [&](int at) -> int { return input[at]; };
    const auto put = [&](int at, int value) { output[at] = value; };
    for (int at = threadIdx.x; at < count; at += THREADS) {
      write<OUT>(steps(read<IN>(get, at * IN)), at * OUT, put);
    }
    return;
  }
  DYN_SHARED(uint4, shared);
  Group<EACH * IN> from;
  Group<EACH * OUT> to = {};
  const auto get = [&](int at) { return from.get(at); };
  const auto put = [&](int at, int value) { to.put(at, value); };
  load(from, input, shared);
#pragma unroll
  for (int at = 0; at < EACH; ++at) {
    write<OUT>(steps(read<IN>(get, at * IN)), at * OUT, put);
  }
  store(to, output, shared);
}

} // namespace fused
