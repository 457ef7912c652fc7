// Another size. The tables and the integers are those of the CPU code, so the results are the same.
//
// All kernels work on one plane and take the same first parameters: where the planes lie in the
// images, and how large they are. `rest` says that one byte is left of each row of the result
// (luma of NV12 with an odd width), which becomes 0.

#define RESIZE_PLANES                                                                              \
  const unsigned char *input, unsigned char *output, int in_bytes, int out_bytes, int in_start,    \
      int in_row, int width, int height, int channels, int out_start, int out_row,                 \
      int out_samples, int out_height, int rest

// Finds this thread's sample of the result, or returns.
#define RESIZE_PLACE                                                                               \
  static_cast<void>(width), static_cast<void>(height);                                             \
  input = BATCH(input, in_bytes) + in_start;                                                       \
  output = BATCH(output, out_bytes) + out_start;                                                   \
  const int sample = blockIdx.x * blockDim.x + threadIdx.x;                                        \
  const int row = blockIdx.y * blockDim.y + threadIdx.y;                                           \
  if (sample == out_samples && row < out_height && rest) {                                         \
    output[static_cast<size_t>(row) * out_row + sample] = 0;                                       \
  }                                                                                                \
  if (sample >= out_samples || row >= out_height) {                                                \
    return;                                                                                        \
  }                                                                                                \
  const int pixel = sample / channels, channel = sample % channels;                                \
  unsigned char *to = output + static_cast<size_t>(row) * out_row + sample;

namespace resize {

// A table: for each pixel of the result the first pixel of the input, then the weights of all.
struct Taps {
  const int *first;
  const short *weights;
};

__device__ __forceinline__ Taps taps(const unsigned char *data, int pixels) {
  const int *first = reinterpret_cast<const int *>(data);
  return {first, reinterpret_cast<const short *>(first + pixels)};
}

__device__ __forceinline__ int inside(int at, int length) { return min(max(at, 0), length - 1); }

} // namespace resize

// One colour, all over the result; the first sample of a pixel is the lowest byte of `color`.
extern "C" __global__ void resize_fill(unsigned char *output, int bytes, int channels, int color) {
  output = BATCH(output, bytes);
  const long long first = wide::first_byte();
  Group<16> group = {};
  int channel = first % channels;
#pragma unroll
  for (int at = 0; at < 16; ++at) {
    group.put(at, color >> 8 * channel);
    channel = channel + 1 < channels ? channel + 1 : 0;
  }
  wide::write(group, output, first, bytes);
}

namespace resize {

// Four pixels of the result, from `pixel` on.
template <int CHANNELS>
__device__ __forceinline__ void nearest(const unsigned char *from, unsigned char *to,
                                        const int *columns, int pixel, int pixels) {
  Group<4 * CHANNELS> group = {};
#pragma unroll
  for (int at = 0; at < 4; ++at) {
    const unsigned char *sample = from + columns[min(pixel + at, pixels - 1)] * CHANNELS;
#pragma unroll
    for (int channel = 0; channel < CHANNELS; ++channel) {
      group.put(at * CHANNELS + channel, sample[channel]);
    }
  }
  wide::write_some(group, to, min(4, pixels - pixel) * CHANNELS);
}

} // namespace resize

extern "C" __global__ void resize_nearest(RESIZE_PLANES, const unsigned char *across,
                                          const unsigned char *down) {
  static_cast<void>(width), static_cast<void>(height);
  const int row = blockIdx.y * blockDim.y + threadIdx.y;
  const int pixel = (blockIdx.x * blockDim.x + threadIdx.x) * 4, pixels = out_samples / channels;
  if (row >= out_height || pixel >= pixels) {
    return;
  }
  const int *columns = reinterpret_cast<const int *>(across);
  const int y = reinterpret_cast<const int *>(down)[row];
  const unsigned char *from = BATCH(input, in_bytes) + in_start + static_cast<size_t>(y) * in_row;
  unsigned char *line = BATCH(output, out_bytes) + out_start + static_cast<size_t>(row) * out_row;
  unsigned char *to = line + pixel * channels;
  switch (channels) {
  case 1:
    resize::nearest<1>(from, to, columns, pixel, pixels);
    break;
  case 2:
    resize::nearest<2>(from, to, columns, pixel, pixels);
    break;
  case 3:
    resize::nearest<3>(from, to, columns, pixel, pixels);
    break;
  default:
    resize::nearest<4>(from, to, columns, pixel, pixels);
  }
  if (pixel + 4 >= pixels && rest) {
    line[out_samples] = 0;
  }
}

// Means of blocks of pixels.
extern "C" __global__ void resize_blocks(RESIZE_PLANES, int across, int down) {
  RESIZE_PLACE
  unsigned sum = 0;
  for (int y = 0; y < down; ++y) {
    const unsigned char *from = input + static_cast<size_t>(row * down + y) * in_row;
    for (int x = 0; x < across; ++x) {
      sum += from[(pixel * across + x) * channels + channel];
    }
  }
  if (across == 2 && down == 2 && channels != 2) {
    *to = (sum + 2) >> 2;
    return;
  }
  const float mean = static_cast<float>(sum) * (1.0f / static_cast<float>(across * down));
  *to = static_cast<int>(rintf(mean));
}

extern "C" __global__ void resize_linear(RESIZE_PLANES, const unsigned char *across,
                                         const unsigned char *down) {
  RESIZE_PLACE
  const resize::Taps x = resize::taps(across, out_samples / channels);
  const resize::Taps y = resize::taps(down, out_height);
  const int left = x.first[pixel], right = min(left + 1, width - 1);
  int sum = 2;
  for (int tap = 0; tap < 2; ++tap) {
    const int source = resize::inside(y.first[row] + tap, height);
    const unsigned char *from = input + static_cast<size_t>(source) * in_row + channel;
    const int both = from[left * channels] * x.weights[2 * pixel] +
                     from[right * channels] * x.weights[2 * pixel + 1];
    sum += ((both >> 4) * y.weights[2 * row + tap]) >> 16;
  }
  *to = sum >> 2;
}

// The pass along rows; the result is 16 bits a sample.
extern "C" __global__ void resize_across(RESIZE_PLANES, const unsigned char *across, int count,
                                         int shift) {
  RESIZE_PLACE
  const resize::Taps x = resize::taps(across, out_samples / channels);
  const unsigned char *from = input + static_cast<size_t>(row) * in_row + channel;
  int sum = 1 << (shift - 1);
  for (int tap = 0; tap < count; ++tap) {
    const int source = min(x.first[pixel] + tap, width - 1);
    sum += from[source * channels] * x.weights[pixel * count + tap];
  }
  // Where `to` would be a byte, the sum is two.
  reinterpret_cast<short *>(output)[to - output] = sum >> shift;
}

// The pass down columns of what the pass along rows made.
extern "C" __global__ void resize_down(RESIZE_PLANES, const unsigned char *down, int count,
                                       int bits) {
  RESIZE_PLACE
  const resize::Taps y = resize::taps(down, out_height);
  const short *sums = reinterpret_cast<const short *>(input);
  int sum = 1 << (bits - 1);
  for (int tap = 0; tap < count; ++tap) {
    const int source = min(y.first[row] + tap, height - 1);
    sum += sums[static_cast<size_t>(source) * in_row + pixel * channels + channel] *
           y.weights[row * count + tap];
  }
  *to = to_sample(sum >> bits);
}
