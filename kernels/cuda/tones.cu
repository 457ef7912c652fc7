// Operations on brightness that look at more than a pixel: the integers and floats of the CPU.

namespace tones {

// Luma of a pixel, as COLOR_RGB2YCrCb has it; a grey pixel is that already.
__device__ __forceinline__ int luma(Pixel p) {
  return (4899 * p.r + 9617 * p.g + 1868 * p.b + (1 << 13)) >> 14;
}

// The pixel with another luma; alpha stays.
__device__ __forceinline__ Pixel with_luma(Pixel p, int level) {
  const int y = luma(p), half = 1 << 13, zero = 128 << 14;
  const int cr = to_sample(((p.r - y) * 11682 + zero + half) >> 14) - 128;
  const int cb = to_sample(((p.b - y) * 9241 + zero + half) >> 14) - 128;
  return {to_sample(level + ((22987 * cr + half) >> 14)),
          to_sample(level + ((-5636 * cb - 11698 * cr + half) >> 14)),
          to_sample(level + ((29049 * cb + half) >> 14)), p.a};
}

// The sum up to the thread's one of 256 numbers, which all threads wrote; `parts` are 16 more.
__device__ __forceinline__ unsigned sum_up_to(const unsigned *list, unsigned *parts) {
  const int at = threadIdx.x, part = at / 16;
  __syncthreads();
  if (at < 16) {
    unsigned sum = 0;
    for (int one = 0; one < 16; ++one) {
      sum += list[16 * at + one];
    }
    parts[at] = sum;
  }
  __syncthreads();
  unsigned sum = 0;
  for (int before = 0; before < part; ++before) {
    sum += parts[before];
  }
  for (int before = 16 * part; before <= at; ++before) {
    sum += list[before];
  }
  return sum;
}

} // namespace tones

// A histogram of zeros.
extern "C" __global__ void tones_clear(unsigned char *scratch) {
  unsigned *histogram = reinterpret_cast<unsigned *>(BATCH(scratch, 1024));
  histogram[threadIdx.x] = 0;
}

extern "C" __global__ void tones_histogram(const unsigned char *input, unsigned char *scratch,
                                           int pixels, int channels) {
  input = BATCH(input, static_cast<size_t>(pixels) * channels);
  unsigned *histogram = reinterpret_cast<unsigned *>(BATCH(scratch, 1024));
  DYN_SHARED(unsigned, counts);
  counts[threadIdx.x] = 0;
  __syncthreads();
  wide::each_pixel(input, pixels, channels,
                   [&](Pixel p) { atomicAdd(&counts[tones::luma(p)], 1u); });
  __syncthreads();
  if (counts[threadIdx.x] > 0) {
    atomicAdd(&histogram[threadIdx.x], counts[threadIdx.x]);
  }
}

// Turns the histogram into what each level becomes: its first 256 bytes.
extern "C" __global__ void tones_equalize(unsigned char *scratch, int pixels) {
  scratch = BATCH(scratch, 1024);
  const unsigned *histogram = reinterpret_cast<const unsigned *>(scratch);
  DYN_SHARED(unsigned, list);
  unsigned &darkest = list[256 + 16];
  const int at = threadIdx.x;
  const unsigned count = histogram[at];
  list[at] = count;
  const unsigned sum = tones::sum_up_to(list, list + 256);
  if (count > 0 && sum == count) {
    darkest = count;
  }
  __syncthreads();
  const float scale = 255.0f / static_cast<float>(pixels - darkest);
  const unsigned above = sum > 0 ? sum - darkest : 0;
  const bool flat = darkest == static_cast<unsigned>(pixels);
  scratch[at] = flat ? at : spaces::nearest(static_cast<float>(above) * scale);
}

extern "C" __global__ void tones_apply(const unsigned char *input, unsigned char *output,
                                       unsigned char *scratch, int pixels, int channels) {
  const unsigned char *table = BATCH(scratch, 1024);
  DYN_SHARED(unsigned char, list);
  list[threadIdx.x] = table[threadIdx.x];
  __syncthreads();
  wide::run(input, output, pixels, channels, [&](Pixel p, int) {
    return tones::with_luma(p, list[tones::luma(p)]);
  });
}

// A block makes the list of one tile.
extern "C" __global__ void tones_clahe_tiles(const unsigned char *input, unsigned char *lists,
                                             int width, int height, int channels, int across,
                                             int down, int tile_width, int tile_height,
                                             int limit) {
  input = BATCH(input, static_cast<size_t>(width) * height * channels);
  lists = BATCH(lists, static_cast<size_t>(256) * across * down);
  DYN_SHARED(unsigned, counts);
  unsigned &beyond = counts[256 + 16];
  const int bin = threadIdx.x;
  counts[bin] = 0;
  if (bin == 0) {
    beyond = 0;
  }
  __syncthreads();
  const int all = tile_width * tile_height;
  for (int at = bin; at < all; at += blockDim.x) {
    const int x = border_index(blockIdx.x * tile_width + at % tile_width, width, 3);
    const int y = border_index(blockIdx.y * tile_height + at / tile_width, height, 3);
    const unsigned char *from = input + (static_cast<size_t>(y) * width + x) * channels;
    const int level =
        channels == 1 ? from[0] : tones::luma(Pixel{from[0], from[1], from[2], 255});
    atomicAdd(&counts[level], 1u);
  }
  __syncthreads();
  if (limit > 0) {
    const unsigned most = limit, count = counts[bin];
    if (count > most) {
      atomicAdd(&beyond, count - most);
    }
    __syncthreads();
    const unsigned rest = beyond % 256, step = rest > 0 ? max(256 / rest, 1u) : 1;
    const bool one_more = bin % step == 0 && bin / step < rest;
    counts[bin] = min(count, most) + beyond / 256 + (one_more ? 1 : 0);
  }
  const unsigned sum = tones::sum_up_to(counts, counts + 256);
  const float scale = 255.0f / static_cast<float>(all);
  unsigned char *list = lists + static_cast<size_t>(256) * (blockIdx.y * across + blockIdx.x);
  list[bin] = spaces::nearest(static_cast<float>(sum) * scale);
}

namespace tones {

// Between which two tiles, and how much the second counts.
struct Between {
  int first, second;
  float part;
};

__device__ __forceinline__ Between between(int at, int tile, int tiles) {
  const float place = static_cast<float>(at) * (1.0f / static_cast<float>(tile)) - 0.5f;
  const int first = place < 0.0f ? -1 : static_cast<int>(place);
  return {max(first, 0), min(first + 1, tiles - 1), place - static_cast<float>(first)};
}

} // namespace tones

extern "C" __global__ void tones_clahe_apply(const unsigned char *input, unsigned char *output,
                                             unsigned char *scratch, int width, int height,
                                             int channels, int across, int down, int tile_width,
                                             int tile_height) {
  const unsigned char *lists = BATCH(scratch, static_cast<size_t>(256) * across * down);
  const auto step = [&](Pixel p, int number) {
    const tones::Between h = tones::between(number % width, tile_width, across);
    const tones::Between v = tones::between(number / width, tile_height, down);
    const int level = tones::luma(p);
    const auto lut = [&](int row, int column) {
      return static_cast<float>(lists[static_cast<size_t>(256) * (row * across + column) + level]);
    };
    const float left = 1.0f - h.part, upper = 1.0f - v.part;
    const float above = lut(v.first, h.first) * left + lut(v.first, h.second) * h.part;
    const float below = lut(v.second, h.first) * left + lut(v.second, h.second) * h.part;
    return tones::with_luma(p, spaces::nearest(above * upper + below * v.part));
  };
  wide::run(input, output, width * height, channels, step);
}

extern "C" __global__ void tones_threshold_mean(const unsigned char *input, unsigned char *output,
                                                int width, int height, int radius, int offset,
                                                int above, int below) {
  const Tile tile = {width, height, 1, radius, radius, 0};
  input = BATCH(input, tile.bytes()), output = BATCH(output, tile.bytes());
  DYN_SHARED(unsigned char, shared);
  int *sums = reinterpret_cast<int *>(tile.beyond(shared));
  tile.load(shared, input);
  tile.each_sum(shared, [&](int number, const unsigned char *from) {
    int sum = 0;
    for (int tap = 0; tap <= 2 * radius; ++tap) {
      sum += from[tap];
    }
    sums[number] = sum;
  });
  const int area = (2 * radius + 1) * (2 * radius + 1);
  tile.each([&](int y, int x, size_t to) {
    int sum = 0;
    for (int tap = 0; tap <= 2 * radius; ++tap) {
      sum += sums[(y + tap) * Tile::WIDTH + x];
    }
    const int sample = shared[tile.within(y, x)];
    const bool is_above = 2 * sum < (2 * (sample + offset) - 1) * area;
    output[to] = is_above ? above : below;
  });
}

extern "C" __global__ void tones_threshold_gaussian(const unsigned char *input,
                                                    unsigned char *output, int width, int height,
                                                    int radius, int offset, int above, int below,
                                                    const unsigned char *data) {
  const Tile tile = {width, height, 1, radius, radius, 0};
  input = BATCH(input, tile.bytes()), output = BATCH(output, tile.bytes());
  const float *weights = reinterpret_cast<const float *>(data);
  DYN_SHARED(unsigned char, shared);
  float *sums = reinterpret_cast<float *>(tile.beyond(shared));
  tile.load(shared, input);
  tile.each_sum(shared, [&](int number, const unsigned char *from) {
    const unsigned char *middle = from + radius;
    float sum = static_cast<float>(middle[0]) * weights[0];
    for (int by = 1; by <= radius; ++by) {
      sum += (static_cast<float>(middle[-by]) + static_cast<float>(middle[by])) * weights[by];
    }
    sums[number] = sum;
  });
  tile.each([&](int y, int x, size_t to) {
    const float *middle = sums + (y + radius) * Tile::WIDTH + x;
    float sum = middle[0] * weights[0];
    for (int by = 1; by <= radius; ++by) {
      sum += (middle[-by * Tile::WIDTH] + middle[by * Tile::WIDTH]) * weights[by];
    }
    const int sample = shared[tile.within(y, x)];
    const bool is_above = sample + offset > spaces::nearest(sum);
    output[to] = is_above ? above : below;
  });
}
