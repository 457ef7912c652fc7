// A part of an image in shared memory, with what surrounds it and with the border made up, so that
// sums of neighbours need not care.

// The image that is worked on, and how far a neighbourhood reaches. A block of threads makes one
// tile of it.
struct Tile {
  enum { WIDTH = 32, HEIGHT = 16 };

  int width, height, channels, across, down, border;

  __device__ __forceinline__ size_t bytes() const {
    return static_cast<size_t>(width) * height * channels;
  }

  // Of a row in shared memory, and how many rows there are.
  __device__ __forceinline__ int samples() const { return (WIDTH + 2 * across) * channels; }
  __device__ __forceinline__ int rows() const { return HEIGHT + 2 * down; }

  // The shared memory beyond the tile.
  __device__ __forceinline__ unsigned char *beyond(unsigned char *tile) const {
    return tile + (samples() * rows() + 3) / 4 * 4;
  }

  // Where the sample `at` of row `y` lies in shared memory, counted from the first of the tile's
  // own.
  __device__ __forceinline__ int within(int y, int at) const {
    return (y + down) * samples() + at + across * channels;
  }

  // Loads the tile and what surrounds it. `outside` stands where the border has no position.
  __device__ __forceinline__ void load(unsigned char *tile, const unsigned char *input,
                                       int outside = 0) const {
    const int left = blockIdx.x * WIDTH - across, top = blockIdx.y * HEIGHT - down;
    // Most tiles need no border at their sides: no division there.
    const bool inner = left >= 0 && left + WIDTH + 2 * across <= width;
    for (int y = threadIdx.y; y < rows(); y += blockDim.y) {
      const int row = border_index(top + y, height, border);
      const unsigned char *from = input + static_cast<size_t>(max(row, 0)) * width * channels;
      for (int at = threadIdx.x; at < samples(); at += blockDim.x) {
        int place = left * channels + at;
        if (!inner) {
          const int column = border_index(left + at / channels, width, border);
          place = column < 0 ? -1 : column * channels + at % channels;
        }
        tile[y * samples() + at] = row >= 0 && place >= 0 ? from[place] : outside;
      }
    }
    __syncthreads();
  }

  // Calls `work` for each sample that the block makes: with its row in the tile, its place there,
  // and its place in the image.
  template <class Work> __device__ __forceinline__ void each(const Work &work) const {
    const int left = blockIdx.x * WIDTH, top = blockIdx.y * HEIGHT;
    const int end = min(static_cast<int>(WIDTH), width - left) * channels;
    for (int y = threadIdx.y; y < min(static_cast<int>(HEIGHT), height - top); y += blockDim.y) {
      const size_t row = (static_cast<size_t>(top + y) * width + left) * channels;
      for (int at = threadIdx.x; at < end; at += blockDim.x) {
        work(y, at, row + at);
      }
    }
  }

  // The same for each pixel, with its column in the tile.
  template <class Work> __device__ __forceinline__ void each_pixel(const Work &work) const {
    Tile{width, height, 1, 0, 0, 0}.each(work);
  }

  // Calls `work` for each sum of neighbours in a row that the block needs: with the number of the
  // sum, and the first of the neighbours.
  template <class Work>
  __device__ __forceinline__ void each_sum(const unsigned char *tile, const Work &work) const {
    for (int y = threadIdx.y; y < rows(); y += blockDim.y) {
      for (int at = threadIdx.x; at < WIDTH * channels; at += blockDim.x) {
        work(y * WIDTH * channels + at, tile + y * samples() + at);
      }
    }
    __syncthreads();
  }
};

// A Gaussian blur of a tile: weights that sum up to 256, exact sums, one rounding to nearest at the
// end.
struct Gaussian {
  Tile tile;
  const unsigned short *weights;

  // Loads the tile, and sums up along its rows, beyond it.
  __device__ __forceinline__ void load(unsigned char *shared, const unsigned char *input) const {
    tile.load(shared, input);
    unsigned short *sums = reinterpret_cast<unsigned short *>(tile.beyond(shared));
    tile.each_sum(shared, [&](int number, const unsigned char *from) {
      unsigned sum = 0;
      for (int tap = 0; tap <= 2 * tile.across; ++tap) {
        sum += from[tap * tile.channels] * static_cast<unsigned>(weights[tap]);
      }
      sums[number] = static_cast<unsigned short>(sum);
    });
  }

  // The blurred sample at that place of the tile.
  __device__ __forceinline__ int blurred(unsigned char *shared, int y, int at) const {
    const int row = Tile::WIDTH * tile.channels;
    const unsigned short *from =
        reinterpret_cast<const unsigned short *>(tile.beyond(shared)) + y * row + at;
    unsigned sum = 1u << 15;
    for (int tap = 0; tap <= 2 * tile.down; ++tap) {
      sum += from[tap * row] * static_cast<unsigned>(weights[tap]);
    }
    return static_cast<int>(sum >> 16);
  }
};
