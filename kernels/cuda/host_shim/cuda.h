// What CUDA C++ adds to C++, as far as our kernels use it, so that they run on a CPU.
//
// The threads of a block are threads here, too: a barrier that is missing shows as a wrong result,
// and to the thread sanitizer as a race. Blocks run one after the other. Not covered: warp
// functions, textures.
#pragma once

#include <algorithm>
#include <barrier>
#include <cstddef>
#include <cstring>
#include <functional>
#include <memory>
#include <optional>
#include <thread>
#include <vector>

#define __global__
#define __device__
#define __forceinline__ inline
#define __syncthreads() shim::barrier->arrive_and_wait()
// `extern __shared__ type name[]` needs a macro: nothing else can give it memory.
#define DYN_SHARED(type, name) type *name = reinterpret_cast<type *>(shim::shared.get())

using std::max;
using std::min;

struct Index {
  int x = 0, y = 0, z = 0;
};

inline float __int_as_float(int bits) {
  float value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

template <class T> T atomicAdd(T *at, T value) {
  return __atomic_fetch_add(at, value, __ATOMIC_RELAXED);
}

template <class T> T atomicMax(T *at, T value) {
  T before = __atomic_load_n(at, __ATOMIC_RELAXED);
  while (before < value && !__atomic_compare_exchange_n(at, &before, value, false,
                                                        __ATOMIC_RELAXED, __ATOMIC_RELAXED)) {
  }
  return before;
}

inline thread_local Index threadIdx;
inline Index blockIdx, blockDim, gridDim;

namespace shim {

inline std::unique_ptr<unsigned char[]> shared;
inline std::optional<std::barrier<>> barrier;

// Runs a kernel; `shared_bytes` is allocated to the byte, so that an address sanitizer sees more.
inline void launch(Index grid, Index block, size_t shared_bytes, std::function<void()> kernel) {
  gridDim = grid;
  blockDim = block;
  const int count = block.x * block.y;
  std::barrier all(count);
  std::vector<std::jthread> threads;
  for (int index = 0; index < count; ++index) {
    threads.emplace_back([&, index] {
      threadIdx = {index % block.x, index / block.x};
      for (int number = 0; number < grid.x * grid.y * grid.z; ++number) {
        all.arrive_and_wait();
        if (index == 0) {
          blockIdx = {number % grid.x, number / grid.x % grid.y, number / (grid.x * grid.y)};
          barrier.emplace(count);
          shared = std::make_unique<unsigned char[]>(shared_bytes);
          // As on a device: whatever was there.
          std::memset(shared.get(), 0xa5, shared_bytes);
        }
        all.arrive_and_wait();
        kernel();
        // A thread that is done must not keep the others waiting.
        barrier->arrive_and_drop();
      }
    });
  }
}

} // namespace shim
