// Sharpening. The same integers as on the CPU; floats in the same order where there are any.
//
// A block of threads makes one tile: it loads the tile and what surrounds it into shared memory,
// with the border made up there, so that the sums below need not care. Alpha stays.

namespace sharpen {

enum { TILE_WIDTH = 32, TILE_HEIGHT = 16 };

// The image that is worked on: how large it is, how far the kernel reaches.
struct Work {
  int width, height, channels, across, down, border;

  __device__ int row_samples() const { return (TILE_WIDTH + 2 * across) * channels; }
  __device__ int rows() const { return TILE_HEIGHT + 2 * down; }
  __device__ size_t bytes() const { return static_cast<size_t>(width) * height * channels; }

  // Where the sample `at` of row `y` of the tile belongs; -1 if that is outside of the image.
  __device__ long long place(int y, int at) const {
    const int row = blockIdx.y * TILE_HEIGHT + y;
    const int column = blockIdx.x * TILE_WIDTH * channels + at;
    if (row >= height || column >= width * channels) {
      return -1;
    }
    return static_cast<long long>(row) * width * channels + column;
  }

  // Loads the tile and what the kernel reaches around it.
  __device__ void load(unsigned char *tile, const unsigned char *input) const {
    const int left = blockIdx.x * TILE_WIDTH - across, top = blockIdx.y * TILE_HEIGHT - down;
    for (int y = threadIdx.y; y < rows(); y += blockDim.y) {
      const int row = border_index(top + y, height, border);
      for (int at = threadIdx.x; at < row_samples(); at += blockDim.x) {
        const int x = at / channels, channel = at % channels;
        const int column = border_index(left + x, width, border);
        const bool inside = row >= 0 && column >= 0;
        const size_t pixel = static_cast<size_t>(row) * width + column;
        tile[y * row_samples() + at] = inside ? input[pixel * channels + channel] : 0;
      }
    }
  }

  // The tile, blurred along its rows.
  __device__ unsigned short *sums(unsigned char *tile) const {
    return reinterpret_cast<unsigned short *>(tile + (row_samples() * rows() + 3) / 4 * 4);
  }

  // Loads the tile and blurs along its rows.
  __device__ void blur_rows(unsigned char *tile, const unsigned char *input,
                            const unsigned short *weights) const {
    load(tile, input);
    __syncthreads();
    const int samples = TILE_WIDTH * channels;
    for (int y = threadIdx.y; y < rows(); y += blockDim.y) {
      for (int at = threadIdx.x; at < samples; at += blockDim.x) {
        unsigned sum = 0;
        for (int tap = 0; tap <= 2 * across; ++tap) {
          const unsigned weight = weights[tap];
          sum += tile[y * row_samples() + at + tap * channels] * weight;
        }
        sums(tile)[y * samples + at] = static_cast<unsigned short>(sum);
      }
    }
    __syncthreads();
  }

  // The blurred sample at that place of the tile.
  __device__ int blurred(unsigned char *tile, int y, int at, const unsigned short *weights) const {
    const int samples = TILE_WIDTH * channels;
    unsigned sum = 1u << 15;
    for (int tap = 0; tap <= 2 * down; ++tap) {
      sum += sums(tile)[(y + tap) * samples + at] * static_cast<unsigned>(weights[tap]);
    }
    return static_cast<int>(sum >> 16);
  }

  // The sample itself at that place of the tile.
  __device__ int sample(const unsigned char *tile, int y, int at) const {
    return tile[(y + down) * row_samples() + at + across * channels];
  }
};

// To the nearest sample, halves to even.
__device__ __forceinline__ int round_sample(float value) {
  const float ones = 8388608.0f; // The last bit of the sum counts ones.
  const float positive = value > 0.0f ? value : 0.0f;
  return static_cast<int>((positive < 255.0f ? positive : 255.0f) + ones) & 255;
}

} // namespace sharpen

extern "C" __global__ void sharpen_unsharp_mask(const unsigned char *input, unsigned char *output,
                                                const unsigned char *data, int width, int height,
                                                int channels, int across, int down, int border,
                                                int amount, int threshold) {
  using namespace sharpen;
  const Work work = {width, height, channels, across, down, border};
  input = BATCH(input, work.bytes()), output = BATCH(output, work.bytes());
  const unsigned short *weights = reinterpret_cast<const unsigned short *>(data);
  DYN_SHARED(unsigned char, tile);
  work.blur_rows(tile, input, weights);
  for (int y = threadIdx.y; y < TILE_HEIGHT; y += blockDim.y) {
    for (int at = threadIdx.x; at < TILE_WIDTH * channels; at += blockDim.x) {
      const long long to = work.place(y, at);
      if (to < 0) {
        continue;
      }
      const int before = work.sample(tile, y, at);
      const int difference = before - work.blurred(tile, y, at, weights);
      const int added = (((difference * 16 * amount) >> 14) + 1) >> 1;
      const bool stays = (channels == 4 && at % 4 == 3) || abs(difference) <= threshold;
      output[to] = static_cast<unsigned char>(stays ? before : to_sample(before + added));
    }
  }
}

extern "C" __global__ void sharpen_high_pass(const unsigned char *input, unsigned char *output,
                                             const unsigned char *data, int width, int height,
                                             int channels, int across, int down, int border) {
  using namespace sharpen;
  const Work work = {width, height, channels, across, down, border};
  input = BATCH(input, work.bytes()), output = BATCH(output, work.bytes());
  const unsigned short *weights = reinterpret_cast<const unsigned short *>(data);
  DYN_SHARED(unsigned char, tile);
  work.blur_rows(tile, input, weights);
  for (int y = threadIdx.y; y < TILE_HEIGHT; y += blockDim.y) {
    for (int at = threadIdx.x; at < TILE_WIDTH * channels; at += blockDim.x) {
      const long long to = work.place(y, at);
      if (to < 0) {
        continue;
      }
      const int before = work.sample(tile, y, at);
      const int difference = before - work.blurred(tile, y, at, weights);
      const bool stays = channels == 4 && at % 4 == 3;
      output[to] = static_cast<unsigned char>(stays ? before : to_sample(difference + 128));
    }
  }
}

// `data`: whether all numbers of the kernel are whole, whether the sum only gets the offset added;
// a float that it is multiplied by otherwise, the offset as a float; the numbers, row by row, as
// integers or floats.
extern "C" __global__ void sharpen_convolution(const unsigned char *input, unsigned char *output,
                                               const unsigned char *data, int width, int height,
                                               int channels, int across, int down, int border) {
  using namespace sharpen;
  const Work work = {width, height, channels, across, down, border};
  input = BATCH(input, work.bytes()), output = BATCH(output, work.bytes());
  const int *numbers = reinterpret_cast<const int *>(data);
  const bool whole = numbers[0] != 0, exact = numbers[1] != 0;
  const float scale = as_float(numbers[2]), offset = as_float(numbers[3]);
  numbers += 4;
  DYN_SHARED(unsigned char, tile);
  work.load(tile, input);
  __syncthreads();
  for (int y = threadIdx.y; y < TILE_HEIGHT; y += blockDim.y) {
    for (int at = threadIdx.x; at < TILE_WIDTH * channels; at += blockDim.x) {
      const long long to = work.place(y, at);
      if (to < 0) {
        continue;
      }
      if (channels == 4 && at % 4 == 3) {
        output[to] = static_cast<unsigned char>(work.sample(tile, y, at));
        continue;
      }
      int total = 0;
      float sum = 0.0f;
      const int *number = numbers;
      for (int row = 0; row <= 2 * down; ++row) {
        const unsigned char *samples = tile + (y + row) * work.row_samples() + at;
        for (int column = 0; column <= 2 * across; ++column, ++number, samples += channels) {
          if (whole) {
            total += *samples * *number;
          } else {
            sum += static_cast<float>(*samples) * as_float(*number);
          }
        }
      }
      int result;
      if (whole && exact) {
        result = to_sample(total + static_cast<int>(offset));
      } else {
        const float value = whole ? static_cast<float>(total) : sum;
        result = round_sample(exact ? value + offset : value * scale + offset);
      }
      output[to] = static_cast<unsigned char>(result);
    }
  }
}
