// Memory, 16 bytes at a time: images start at multiples of that, and their pixels are packed.

// Bytes in registers: indices are constants once the loops are unrolled.
template <int BYTES> struct Group {
  unsigned word[BYTES / 4];

  __device__ __forceinline__ int get(int at) const {
    return word[at / 4] >> (at % 4 * 8) & 255;
  }

  // Where 0 was before. Numbers have one, two or four bytes.
  __device__ __forceinline__ void put(int at, int value, int size = 1) {
    const unsigned bits = static_cast<unsigned>(value) & 0xffffffffu >> (32 - 8 * size);
    word[at * size / 4] |= bits << (at * size % 4 * 8);
  }

  __device__ __forceinline__ void set(int part, uint4 four) {
    word[4 * part] = four.x, word[4 * part + 1] = four.y;
    word[4 * part + 2] = four.z, word[4 * part + 3] = four.w;
  }

  __device__ __forceinline__ uint4 four(int part) const {
    return {word[4 * part], word[4 * part + 1], word[4 * part + 2], word[4 * part + 3]};
  }
};

namespace wide {

// Of blocks that go over the pixels of an image, whatever its rows.
enum { THREADS = 256 };

// Pixels that a thread takes at once: 16 bytes, or as many as are a multiple of that.
template <int CHANNELS> constexpr int EACH = CHANNELS == 4 ? 4 : 16;

// The bytes from `first` on; beyond the last of `bytes` they are 0.
__device__ __forceinline__ Group<16> read(const unsigned char *input, long long first,
                                          long long bytes) {
  Group<16> group = {};
  if (first + 16 <= bytes) {
    group.set(0, *reinterpret_cast<const uint4 *>(input + first));
    return group;
  }
#pragma unroll
  for (int at = 0; at < 16; ++at) {
    group.put(at, first + at < bytes ? input[first + at] : 0);
  }
  return group;
}

// Writes those of them that lie before the last of `bytes`.
__device__ __forceinline__ void write(const Group<16> &group, unsigned char *output,
                                      long long first, long long bytes) {
  if (first + 16 <= bytes) {
    *reinterpret_cast<uint4 *>(output + first) = group.four(0);
    return;
  }
#pragma unroll
  for (int at = 0; at < 16; ++at) {
    if (first + at < bytes) {
      output[first + at] = group.get(at);
    }
  }
}

// The first so many bytes of a few that may lie anywhere: 16 at a time or words, if all are there
// and aligned.
template <int BYTES>
__device__ __forceinline__ Group<BYTES> read_some(const unsigned char *from, int count) {
  Group<BYTES> group = {};
  if constexpr (BYTES % 16 == 0) {
    if (count == BYTES && reinterpret_cast<size_t>(from) % 16 == 0) {
#pragma unroll
      for (int part = 0; part < BYTES / 16; ++part) {
        group.set(part, reinterpret_cast<const uint4 *>(from)[part]);
      }
      return group;
    }
  }
  if (count == BYTES && reinterpret_cast<size_t>(from) % 4 == 0) {
#pragma unroll
    for (int at = 0; at < BYTES / 4; ++at) {
      group.word[at] = reinterpret_cast<const unsigned *>(from)[at];
    }
    return group;
  }
#pragma unroll
  for (int at = 0; at < BYTES; ++at) {
    group.put(at, at < count ? from[at] : 0);
  }
  return group;
}

template <int BYTES>
__device__ __forceinline__ void write_some(const Group<BYTES> &group, unsigned char *to,
                                           int count) {
  if constexpr (BYTES % 16 == 0) {
    if (count == BYTES && reinterpret_cast<size_t>(to) % 16 == 0) {
#pragma unroll
      for (int part = 0; part < BYTES / 16; ++part) {
        reinterpret_cast<uint4 *>(to)[part] = group.four(part);
      }
      return;
    }
  }
  if (count == BYTES && reinterpret_cast<size_t>(to) % 4 == 0) {
#pragma unroll
    for (int at = 0; at < BYTES / 4; ++at) {
      reinterpret_cast<unsigned *>(to)[at] = group.word[at];
    }
    return;
  }
#pragma unroll
  for (int at = 0; at < BYTES; ++at) {
    if (at < count) {
      to[at] = group.get(at);
    }
  }
}

// Writes what a row of threads has made in shared memory, from an aligned address on: in words, if
// they are aligned where they go, too.
__device__ __forceinline__ void write_row(const unsigned char *made, unsigned char *to, int bytes) {
  const int words = reinterpret_cast<size_t>(to) % 4 == 0 ? bytes / 4 : 0;
  for (int at = threadIdx.x; at < words; at += blockDim.x) {
    reinterpret_cast<unsigned *>(to)[at] = reinterpret_cast<const unsigned *>(made)[at];
  }
  for (int at = 4 * words + threadIdx.x; at < bytes; at += blockDim.x) {
    to[at] = made[at];
  }
}

// Of the bytes of an image, the first of this thread's 16.
__device__ __forceinline__ long long first_byte() {
  return (static_cast<long long>(blockIdx.x) * blockDim.x + threadIdx.x) * 16;
}

// A pixel of samples: grey counts for all three colours, and what has no alpha is opaque.
template <int CHANNELS, class Samples>
__device__ __forceinline__ Pixel pixel(const Samples &sample, int at) {
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
__device__ __forceinline__ void put(Pixel pixel, int at, const Put &put) {
  put(at, pixel.r);
  if constexpr (CHANNELS > 1) {
    put(at + 1, pixel.g);
    put(at + 2, pixel.b);
  }
  if constexpr (CHANNELS == 4) {
    put(at + 3, pixel.a);
  }
}

// A thread's pixels lie together. Where they are more than 16 bytes, but not a power of two times
// as many, neighbouring threads fetch neighbouring 16 bytes, and exchange them. Less are words.
template <int BYTES>
__device__ __forceinline__ void load(Group<BYTES> &group, const unsigned char *input,
                                     uint4 *shared) {
  const int thread = threadIdx.x;
  if constexpr (BYTES < 16) {
    group = read_some<BYTES>(input + thread * BYTES, BYTES);
  } else {
    constexpr int PARTS = BYTES / 16;
    const uint4 *from = reinterpret_cast<const uint4 *>(input);
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
}

template <int BYTES>
__device__ __forceinline__ void store(const Group<BYTES> &group, unsigned char *output,
                                      uint4 *shared) {
  constexpr int PARTS = BYTES / 16;
  uint4 *to = reinterpret_cast<uint4 *>(output);
  const int thread = threadIdx.x;
  if constexpr (BYTES < 16) {
    write_some(group, output + thread * BYTES, BYTES);
  } else if constexpr (PARTS == 3) {
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

// Makes pixels of pixels, from IN to OUT channels, `COUNT` a thread. What is exchanged takes the
// first 48 bytes a thread of the shared memory. A step gets a pixel, and its number.
template <int IN, int OUT, int COUNT, class Steps>
__device__ __forceinline__ void run(const unsigned char *__restrict__ input,
                                    unsigned char *__restrict__ output, int pixels,
                                    const Steps &steps) {
  const int first = blockIdx.x * (THREADS * COUNT);
  const int count = min(pixels - first, THREADS * COUNT);
  input = BATCH(input, static_cast<size_t>(pixels) * IN) + static_cast<size_t>(first) * IN;
  output = BATCH(output, static_cast<size_t>(pixels) * OUT) + static_cast<size_t>(first) * OUT;
  if (count < THREADS * COUNT) {
    const auto get = [&](int at) -> int { return input[at]; };
    const auto set = [&](int at, int value) { output[at] = value; };
    for (int at = threadIdx.x; at < count; at += THREADS) {
      put<OUT>(steps(pixel<IN>(get, at * IN), first + at), at * OUT, set);
    }
    return;
  }
  DYN_SHARED(uint4, shared);
  Group<COUNT * IN> from;
  Group<COUNT * OUT> to = {};
  const auto get = [&](int at) { return from.get(at); };
  const auto set = [&](int at, int value) { to.put(at, value); };
  load(from, input, shared);
#pragma unroll
  for (int at = 0; at < COUNT; ++at) {
    const int number = first + static_cast<int>(threadIdx.x) * COUNT + at;
    put<OUT>(steps(pixel<IN>(get, at * IN), number), at * OUT, set);
  }
  store(to, output, shared);
}

// From so many channels to as many, four pixels a thread: for steps that take long enough to need
// more threads rather than more bytes.
template <class Steps>
__device__ __forceinline__ void run(const unsigned char *input, unsigned char *output, int pixels,
                                    int channels, const Steps &steps) {
  switch (channels) {
  case 1:
    return run<1, 1, 4>(input, output, pixels, steps);
  case 3:
    return run<3, 3, 4>(input, output, pixels, steps);
  default:
    return run<4, 4, 4>(input, output, pixels, steps);
  }
}

// Calls `work` for each pixel; the blocks of a row of the grid take turns.
template <int CHANNELS, class Work>
__device__ __forceinline__ void each_pixel(const unsigned char *input, int pixels,
                                           const Work &work) {
  constexpr int COUNT = EACH<CHANNELS>, BYTES = COUNT * CHANNELS;
  const long long step = static_cast<long long>(gridDim.x) * blockDim.x * COUNT;
  long long first = (static_cast<long long>(blockIdx.x) * blockDim.x + threadIdx.x) * COUNT;
  for (; first + COUNT <= pixels; first += step) {
    const uint4 *from = reinterpret_cast<const uint4 *>(input + first * CHANNELS);
    Group<BYTES> group;
#pragma unroll
    for (int part = 0; part < BYTES / 16; ++part) {
      group.set(part, from[part]);
    }
    const auto get = [&](int at) { return group.get(at); };
#pragma unroll
    for (int at = 0; at < COUNT; ++at) {
      work(pixel<CHANNELS>(get, at * CHANNELS));
    }
  }
  for (; first < pixels; ++first) {
    const unsigned char *from = input + first * CHANNELS;
    work(pixel<CHANNELS>([&](int at) -> int { return from[at]; }, 0));
  }
}

// The same, of an image with so many channels.
template <class Work>
__device__ __forceinline__ void each_pixel(const unsigned char *input, int pixels, int channels,
                                           const Work &work) {
  switch (channels) {
  case 1:
    return each_pixel<1>(input, pixels, work);
  case 3:
    return each_pixel<3>(input, pixels, work);
  default:
    return each_pixel<4>(input, pixels, work);
  }
}

} // namespace wide
