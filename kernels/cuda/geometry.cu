// Where pixels go, without new values: crop, pad, flip, quarter turns. A thread writes 16 bytes
// that lie aligned, wherever they come from; of a quarter turn, four pixels of a tile.

namespace geometry {

// What a thread writes of a row: from `first` to before `end`.
struct Part {
  int first, end;

  __device__ __forceinline__ bool whole() const { return end - first == 16; }
};

// Rows need not start aligned: so the first and the last part may be shorter.
__device__ __forceinline__ Part part(const unsigned char *row, int samples) {
  const int number = blockIdx.x * blockDim.x + threadIdx.x;
  const int first = 16 * number - static_cast<int>(reinterpret_cast<size_t>(row) % 16);
  return {max(first, 0), min(first + 16, samples)};
}

// Whether `gather` of so many bytes stays within what ends there.
template <int BYTES>
__device__ __forceinline__ bool can_gather(const unsigned char *from, const unsigned char *end) {
  const int beyond = reinterpret_cast<size_t>(from) % 4 == 0 ? 0 : 3;
  return from + BYTES + beyond <= end;
}

// Bytes from anywhere, by the aligned words that they lie in.
template <int BYTES> __device__ __forceinline__ Group<BYTES> gather(const unsigned char *from) {
  const int within = reinterpret_cast<size_t>(from) % 4;
  const unsigned *words = reinterpret_cast<const unsigned *>(from - within);
  Group<BYTES> group;
  unsigned long long low = words[0];
#pragma unroll
  for (int at = 0; at < BYTES / 4; ++at) {
    const bool needed = within > 0 || at + 1 < BYTES / 4;
    const unsigned long long high = needed ? words[at + 1] : 0;
    group.word[at] = static_cast<unsigned>((high << 32 | low) >> (8 * within));
    low = high;
  }
  return group;
}

// Copies a part of a row.
__device__ __forceinline__ void copy(const Part &part, const unsigned char *from,
                                     const unsigned char *end, unsigned char *to) {
  if (part.whole() && can_gather<16>(from + part.first, end)) {
    *reinterpret_cast<uint4 *>(to + part.first) = gather<16>(from + part.first).four(0);
    return;
  }
  for (int x = part.first; x < part.end; ++x) {
    to[x] = from[x];
  }
}

// What is left of a row behind a plane that is narrower becomes 0.
__device__ __forceinline__ void clear_rest(const Part &part, unsigned char *to, int samples,
                                           int row) {
  if (part.end == samples && part.first < part.end && samples < row) {
    to[samples] = 0;
  }
}

// Writes 16 samples of a mirrored row, the first of which is the sample PHASE of its pixel. The
// pixels that they are of lie together, too, in the opposite order.
template <int CHANNELS, int PHASE>
__device__ __forceinline__ bool mirror(const Part &part, const unsigned char *from, int samples,
                                       const unsigned char *end, unsigned char *to) {
  constexpr int PIXELS = (PHASE + 15) / CHANNELS + 1, BYTES = (PIXELS * CHANNELS + 3) / 4 * 4;
  const unsigned char *first = from + samples - (part.first - PHASE) - PIXELS * CHANNELS;
  if (!part.whole() || !can_gather<BYTES>(first, end)) {
    return false;
  }
  const Group<BYTES> pixels = gather<BYTES>(first);
  Group<16> mirrored = {};
#pragma unroll
  for (int at = 0; at < 16; ++at) {
    const int pixel = (PHASE + at) / CHANNELS, channel = (PHASE + at) % CHANNELS;
    mirrored.put(at, pixels.get((PIXELS - 1 - pixel) * CHANNELS + channel));
  }
  *reinterpret_cast<uint4 *>(to + part.first) = mirrored.four(0);
  return true;
}

// Which of those it is. Only pixels of three samples lie across 16 bytes.
__device__ __forceinline__ bool mirror(const Part &part, const unsigned char *from, int samples,
                                       int channels, const unsigned char *end, unsigned char *to) {
  switch (channels) {
  case 1:
    return mirror<1, 0>(part, from, samples, end, to);
  case 2:
    return mirror<2, 0>(part, from, samples, end, to);
  case 4:
    return mirror<4, 0>(part, from, samples, end, to);
  }
  switch (part.first % 3) {
  case 0:
    return mirror<3, 0>(part, from, samples, end, to);
  case 1:
    return mirror<3, 1>(part, from, samples, end, to);
  default:
    return mirror<3, 2>(part, from, samples, end, to);
  }
}

// A block's part of a quarter turn.
template <int CHANNELS>
__device__ __forceinline__ void turn(const unsigned char *input, unsigned char *output, int width,
                                     int height, bool clockwise, unsigned *tile) {
  constexpr int SIDE = 32, PITCH = SIDE + 1;
  // The block's place in the image, and how many pixels it has there.
  const int left = blockIdx.x * SIDE, top = blockIdx.y * SIDE;
  const int columns = min(SIDE, width - left), rows = min(SIDE, height - top);
  // This thread's place, in both tiles.
  const int x = threadIdx.x * 4, y = threadIdx.y;
  if (y < rows && x < columns) {
    const size_t pixel = static_cast<size_t>(top + y) * width + left + x;
    const Group<4 * CHANNELS> pixels = wide::read_some<4 * CHANNELS>(
        input + pixel * CHANNELS, min(4, columns - x) * CHANNELS);
#pragma unroll
    for (int at = 0; at < 4; ++at) {
      Group<4> one = {};
#pragma unroll
      for (int channel = 0; channel < CHANNELS; ++channel) {
        one.put(channel, pixels.get(at * CHANNELS + channel));
      }
      tile[y * PITCH + x + at] = one.word[0];
    }
  }
  __syncthreads();
  // The result is as wide as the image is high.
  if (y < columns && x < rows) {
    Group<4 * CHANNELS> pixels = {};
#pragma unroll
    for (int at = 0; at < 4; ++at) {
      const int down = min(x + at, rows - 1);
      const int row = clockwise ? rows - 1 - down : down, column = clockwise ? y : columns - 1 - y;
      const Group<4> one = {{tile[row * PITCH + column]}};
#pragma unroll
      for (int channel = 0; channel < CHANNELS; ++channel) {
        pixels.put(at * CHANNELS + channel, one.get(channel));
      }
    }
    const int to_left = clockwise ? height - top - rows : top;
    const int to_top = clockwise ? left : width - left - columns;
    const size_t pixel = static_cast<size_t>(to_top + y) * height + to_left + x;
    wide::write_some(pixels, output + pixel * CHANNELS, min(4, rows - x) * CHANNELS);
  }
}

} // namespace geometry

// Copies `rows` rows of `samples` bytes, from (left, top) on.
extern "C" __global__ void geometry_crop(const unsigned char *input, unsigned char *output,
                                         int input_bytes, int output_bytes, int input_row,
                                         int output_row, int top, int left, int to_top,
                                         int samples, int rows) {
  input = BATCH(input, input_bytes), output = BATCH(output, output_bytes);
  const int row = blockIdx.y * blockDim.y + threadIdx.y;
  if (row >= rows) {
    return;
  }
  const unsigned char *from = input + static_cast<size_t>(top + row) * input_row + left;
  unsigned char *to = output + static_cast<size_t>(to_top + row) * output_row;
  const geometry::Part part = geometry::part(to, samples);
  geometry::copy(part, from, input + input_bytes, to);
  geometry::clear_rest(part, to, samples, output_row);
}

// A frame around the image; `color` holds the samples of a pixel, the first in its lowest byte.
extern "C" __global__ void geometry_pad(const unsigned char *input, unsigned char *output, int width,
                                        int height, int channels, int to_width, int to_height,
                                        int left, int top, int border, int color) {
  const size_t bytes = static_cast<size_t>(width) * height * channels;
  input = BATCH(input, bytes);
  output = BATCH(output, static_cast<size_t>(to_width) * to_height * channels);
  const int row = blockIdx.y * blockDim.y + threadIdx.y;
  if (row >= to_height) {
    return;
  }
  unsigned char *to = output + static_cast<size_t>(row) * to_width * channels;
  const geometry::Part part = geometry::part(to, to_width * channels);
  const int y = border_index(row - top, height, border);
  const unsigned char *from = input + static_cast<size_t>(max(y, 0)) * width * channels;
  const int before = left * channels, after = before + width * channels;
  if (y >= 0 && part.first >= before && part.end <= after) {
    geometry::copy({part.first - before, part.end - before}, from, input + bytes, to + before);
    return;
  }
  // One of the frame: what its samples are has to be found out for each.
  Group<16> group = {};
  int column = part.first / channels - left, channel = part.first % channels;
#pragma unroll
  for (int at = 0; at < 16; ++at) {
    if (part.first + at < part.end) {
      const int x = y < 0 ? -1 : border_index(column, width, border);
      group.put(at, x < 0 ? static_cast<unsigned>(color) >> 8 * channel & 255
                          : from[x * channels + channel]);
    }
    channel = channel + 1 < channels ? channel + 1 : 0;
    column += channel == 0;
  }
  if (part.whole()) {
    *reinterpret_cast<uint4 *>(to + part.first) = group.four(0);
  } else {
    wide::write_some(group, to + part.first, part.end - part.first);
  }
}

// One plane in a mirror, or in two.
extern "C" __global__ void geometry_flip(const unsigned char *input, unsigned char *output,
                                         int bytes, int stride, int top, int width, int height,
                                         int channels, int across, int down) {
  input = BATCH(input, bytes), output = BATCH(output, bytes);
  const int samples = width * channels, row = blockIdx.y * blockDim.y + threadIdx.y;
  if (row >= height) {
    return;
  }
  const int source = down ? height - 1 - row : row;
  const unsigned char *from = input + static_cast<size_t>(top + source) * stride;
  unsigned char *to = output + static_cast<size_t>(top + row) * stride;
  const geometry::Part part = geometry::part(to, samples);
  geometry::clear_rest(part, to, samples, stride);
  if (!across) {
    geometry::copy(part, from, input + bytes, to);
  } else if (!geometry::mirror(part, from, samples, channels, input + bytes, to)) {
    for (int x = part.first; x < part.end; ++x) {
      const int pixel = x / channels, channel = x % channels;
      to[x] = from[(width - 1 - pixel) * channels + channel];
    }
  }
}

// A quarter turn. A block of 8 x 32 threads turns 32 x 32 pixels, or what is left of them, in
// shared memory: a thread reads four pixels of a row of the image and writes four of a row of the
// result. A word holds a pixel, and a row one word more, so that neither rows nor columns meet in a
// bank.
extern "C" __global__ void geometry_turn(const unsigned char *input, unsigned char *output,
                                         int width, int height, int channels, int clockwise) {
  const size_t bytes = static_cast<size_t>(width) * height * channels;
  input = BATCH(input, bytes), output = BATCH(output, bytes);
  DYN_SHARED(unsigned, tile);
  switch (channels) {
  case 1:
    return geometry::turn<1>(input, output, width, height, clockwise, tile);
  case 3:
    return geometry::turn<3>(input, output, width, height, clockwise, tile);
  default:
    return geometry::turn<4>(input, output, width, height, clockwise, tile);
  }
}
