// Where pixels go, without new values: crop, pad, flip, quarter turns. Bytes are moved, four a
// thread where neighbours stay neighbours.

namespace geometry {

// The row that this thread works on, and the first of its four columns.
struct Place {
  int row, column;
};

__device__ __forceinline__ Place place() {
  return {static_cast<int>(blockIdx.y * blockDim.y + threadIdx.y),
          static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x) * 4};
}

} // namespace geometry

// Copies `rows` rows of `samples` bytes, from (left, top) on. What is left of the result's row
// becomes 0.
extern "C" __global__ void geometry_crop(const unsigned char *input, unsigned char *output,
                                         int input_bytes, int output_bytes, int input_row,
                                         int output_row, int top, int left, int to_top,
                                         int samples, int rows) {
  input = BATCH(input, input_bytes), output = BATCH(output, output_bytes);
  const geometry::Place at = geometry::place();
  if (at.row >= rows) {
    return;
  }
  const unsigned char *from = input + static_cast<size_t>(top + at.row) * input_row + left;
  unsigned char *to = output + static_cast<size_t>(to_top + at.row) * output_row;
  const size_t aligned = reinterpret_cast<size_t>(from) | reinterpret_cast<size_t>(to);
  if (aligned % 4 == 0 && at.column + 4 <= samples) {
    *reinterpret_cast<unsigned *>(to + at.column) =
        *reinterpret_cast<const unsigned *>(from + at.column);
    return;
  }
  for (int x = at.column; x < min(at.column + 4, output_row); ++x) {
    if (x < samples) {
      to[x] = from[x];
    } else if (x == samples) {
      to[x] = 0;
    }
  }
}

// A frame around the image; `color` holds the samples of a pixel, the first in its lowest byte.
extern "C" __global__ void geometry_pad(const unsigned char *input, unsigned char *output, int width,
                                        int height, int channels, int to_width, int to_height,
                                        int left, int top, int border, int color) {
  input = BATCH(input, static_cast<size_t>(width) * height * channels);
  output = BATCH(output, static_cast<size_t>(to_width) * to_height * channels);
  const int row = blockIdx.y * blockDim.y + threadIdx.y;
  const int column = blockIdx.x * blockDim.x + threadIdx.x;
  if (row >= to_height || column >= to_width * channels) {
    return;
  }
  const int channel = column % channels;
  const int y = border_index(row - top, height, border);
  const int x = border_index(column / channels - left, width, border);
  const size_t from = (static_cast<size_t>(y) * width + x) * channels + channel;
  output[static_cast<size_t>(row) * to_width * channels + column] =
      x < 0 || y < 0 ? static_cast<unsigned>(color) >> 8 * channel & 255 : input[from];
}

// One plane in a mirror, or in two. What is left of its rows becomes 0.
extern "C" __global__ void geometry_flip(const unsigned char *input, unsigned char *output,
                                         int bytes, int stride, int top, int width, int height,
                                         int channels, int across, int down) {
  input = BATCH(input, bytes), output = BATCH(output, bytes);
  const geometry::Place at = geometry::place();
  const int samples = width * channels;
  if (at.row >= height) {
    return;
  }
  const int source = down ? height - 1 - at.row : at.row;
  const unsigned char *from = input + static_cast<size_t>(top + source) * stride;
  unsigned char *to = output + static_cast<size_t>(top + at.row) * stride;
  const size_t aligned = reinterpret_cast<size_t>(from) | reinterpret_cast<size_t>(to);
  if (aligned % 4 == 0 && (channels == 4 || !across) && at.column + 4 <= samples) {
    const int column = across ? samples - 4 - at.column : at.column;
    *reinterpret_cast<unsigned *>(to + at.column) =
        *reinterpret_cast<const unsigned *>(from + column);
    return;
  }
  for (int x = at.column; x < min(at.column + 4, stride); ++x) {
    if (x < samples) {
      const int pixel = x / channels, channel = x % channels;
      to[x] = from[(across ? width - 1 - pixel : pixel) * channels + channel];
    } else if (x == samples) {
      to[x] = 0;
    }
  }
}

// A quarter turn: `turns` is 1 for clockwise, 3 for counter-clockwise. A block of 32 x 8 threads
// turns 32 x 32 pixels in shared memory, so that it reads and writes along rows.
extern "C" __global__ void geometry_turn(const unsigned char *input, unsigned char *output,
                                         int width, int height, int channels, int turns) {
  const size_t bytes = static_cast<size_t>(width) * height * channels;
  input = BATCH(input, bytes), output = BATCH(output, bytes);
  DYN_SHARED(unsigned char, tile);
  const int samples = 32 * channels, pitch = samples + 4;
  // The block's place in the result, which is as wide as the input is high.
  const int to_left = blockIdx.x * 32, to_top = blockIdx.y * 32;
  const int from_left = turns == 1 ? to_top : width - 32 - to_top;
  const int from_top = turns == 1 ? height - 32 - to_left : to_left;
  for (int y = threadIdx.y; y < 32; y += blockDim.y) {
    for (int at = threadIdx.x; at < samples; at += blockDim.x) {
      const int row = from_top + y, pixel = from_left + at / channels;
      if (row >= 0 && row < height && pixel >= 0 && pixel < width) {
        const size_t start = static_cast<size_t>(row) * width + from_left;
        tile[y * pitch + at] = input[start * channels + at];
      }
    }
  }
  __syncthreads();
  for (int y = threadIdx.y; y < 32; y += blockDim.y) {
    for (int at = threadIdx.x; at < samples; at += blockDim.x) {
      const int x = at / channels, channel = at % channels;
      if (to_top + y < width && to_left + x < height) {
        const int row = turns == 1 ? 31 - x : x, pixel = turns == 1 ? y : 31 - y;
        output[(static_cast<size_t>(to_top + y) * height + to_left + x) * channels + channel] =
            tile[row * pitch + pixel * channels + channel];
      }
    }
  }
}
