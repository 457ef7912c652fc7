//! Device memory, and host memory that the device can reach.

use std::sync::Arc;
use std::time::Duration;

use cudarc::driver::{CudaContext, CudaSlice, CudaStream, DevicePtr as _, PinnedHostSlice, sys};

use super::CudaError;
use super::bounded::Bounded;
use super::wait::wait;

/// Device memory that grows to the largest size that was needed.
#[derive(Debug)]
pub(super) struct Buffer {
    slice: CudaSlice<u8>,
}

impl Buffer {
    pub(super) fn new(stream: &Arc<CudaStream>) -> Result<Self, CudaError> {
        Ok(Self { slice: allocate(stream, 1)? })
    }

    /// Makes sure that the buffer has that many bytes; its content is lost.
    pub(super) fn reserve(
        &mut self,
        stream: &Arc<CudaStream>,
        bytes: usize,
    ) -> Result<(), CudaError> {
        if self.slice.len() < bytes {
            // The old one first: both together may be more than there is.
            self.slice = allocate(stream, 1)?;
            self.slice = allocate(stream, bytes)?;
        }
        Ok(())
    }

    pub(super) fn address(&self, stream: &CudaStream) -> u64 {
        // What it would do on drop is switched off for this context.
        let (address, _nothing) = self.slice.device_ptr(stream);
        address
    }

    pub(super) fn slice(&self) -> &CudaSlice<u8> {
        &self.slice
    }

    pub(super) fn slice_mut(&mut self) -> &mut CudaSlice<u8> {
        &mut self.slice
    }
}

/// Host memory that the device can copy from and to by itself. It grows like [`Buffer`].
#[derive(Debug)]
pub(super) struct Pinned {
    slice: PinnedHostSlice<u8>,
    flags: u32,
}

impl Pinned {
    /// Memory that is only written, and in order: writing bypasses the caches of the CPU.
    pub(super) fn for_upload(context: &Arc<CudaContext>) -> Result<Self, CudaError> {
        Self::new(context, sys::CU_MEMHOSTALLOC_WRITECOMBINED)
    }

    pub(super) fn for_download(context: &Arc<CudaContext>) -> Result<Self, CudaError> {
        Self::new(context, 0)
    }

    fn new(context: &Arc<CudaContext>, flags: u32) -> Result<Self, CudaError> {
        Ok(Self { slice: pin(context, 1, flags)?, flags })
    }

    pub(super) fn reserve(&mut self, bytes: usize) -> Result<(), CudaError> {
        if self.slice.len() < bytes {
            self.slice = pin(&self.slice.context().clone(), bytes, self.flags)?;
        }
        Ok(())
    }

    /// The first `bytes` bytes. The device must not be reading or writing them.
    pub(super) fn bytes_mut(&mut self, bytes: usize) -> Result<&mut [u8], CudaError> {
        let all = self.slice.as_mut_slice()?;
        all.get_mut(..bytes).ok_or_else(|| CudaError::Bug("too little pinned memory".to_owned()))
    }
}

/// Constants of operations, which stay on the device while they are in use.
#[derive(Debug)]
pub(super) struct Constants {
    /// Constants by content, so that the same numbers are uploaded only once.
    kept: Bounded<Vec<u8>, Arc<CudaSlice<u8>>>,
    patience: Duration,
}

impl Constants {
    pub(super) fn new(limit: usize, patience: Duration) -> Self {
        Self { kept: Bounded::new(limit), patience }
    }

    /// The address of constants, which stays valid while the result is held.
    pub(super) fn get(
        &mut self,
        stream: &Arc<CudaStream>,
        bytes: &[u8],
    ) -> Result<Arc<CudaSlice<u8>>, CudaError> {
        if let Some(there) = self.kept.get(bytes) {
            return Ok(Arc::clone(there));
        }
        // The least that can be allocated, so that there is an address.
        let mut slice = allocate(stream, bytes.len().max(1))?;
        stream.memcpy_htod(bytes, &mut slice)?;
        // Other streams may use it next.
        let event = stream.record_event(None)?;
        wait(self.patience, || Ok(event.try_is_complete()?))?;
        let slice = Arc::new(slice);
        self.kept.insert(bytes.to_vec(), Arc::clone(&slice), bytes.len());
        Ok(slice)
    }

    /// Frees all constants that nobody holds.
    pub(super) fn clear(&mut self) {
        self.kept.clear();
    }
}

#[allow(unsafe_code, reason = "clearing the memory first would be wasted")]
fn allocate(stream: &Arc<CudaStream>, bytes: usize) -> Result<CudaSlice<u8>, CudaError> {
    // SAFETY: any bits are a valid u8, and kernels read only what was uploaded or written.
    Ok(unsafe { stream.alloc::<u8>(bytes) }?)
}

#[allow(unsafe_code, reason = "clearing the memory first would be wasted")]
fn pin(
    context: &Arc<CudaContext>,
    bytes: usize,
    flags: u32,
) -> Result<PinnedHostSlice<u8>, CudaError> {
    // SAFETY: any bits are a valid u8; the driver hands out memory of its own, which is zeroed
    // when the operating system gives it.
    Ok(unsafe { context.alloc_pinned_with_flags::<u8>(bytes, flags) }?)
}
