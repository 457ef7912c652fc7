//! What runs on the device, as data.

/// A file of CUDA C++.
#[derive(Debug, PartialEq, Eq)]
pub struct CudaSource {
    /// Its name, unique, for messages and caches.
    pub name: &'static str,
    /// What it says.
    pub text: &'static str,
}

/// One launch of a kernel: from one packed image to another.
#[derive(Clone, Debug, PartialEq)]
pub struct Launch {
    /// Where the kernel is.
    pub source: &'static CudaSource,
    /// What it is called there.
    pub kernel: &'static str,
    /// Blocks, across and down.
    pub grid: (u32, u32),
    /// Threads of a block, across and down.
    pub block: (u32, u32),
    /// Dynamic shared memory of a block.
    pub shared_bytes: u32,
    /// In the order of the kernel's parameters.
    pub arguments: Vec<Argument>,
}

/// An argument of a kernel.
#[derive(Clone, Debug, PartialEq)]
pub enum Argument {
    /// `const unsigned char *`: the pixels of the input.
    Input,
    /// `unsigned char *`: the pixels of the result.
    Output,
    /// `int`.
    Int(i32),
    /// `Weights`, by value.
    Weights(Weights),
}

/// `struct Weights { unsigned short at[32]; }` of the kernels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct Weights([u16; 32]);

impl Weights {
    /// Those, and a zero.
    #[must_use]
    pub fn new(weights: [u16; 31]) -> Self {
        let mut all = [0; 32];
        all.iter_mut().zip(weights).for_each(|(slot, weight)| *slot = weight);
        Self(all)
    }

    /// The weights, with zeros at the end.
    #[must_use]
    pub fn as_array(&self) -> &[u16; 32] {
        &self.0
    }
}

#[allow(unsafe_code, reason = "cudarc passes by value only what says that it may be")]
// SAFETY: 32 plain integers with the layout of the C struct, valid for all bits.
unsafe impl cudarc::driver::DeviceRepr for Weights {}
