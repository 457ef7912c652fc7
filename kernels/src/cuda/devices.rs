//! Finds the GPUs of this machine.

use std::panic::{AssertUnwindSafe, catch_unwind};

use cudarc::driver::{CudaContext, result, sys};

use super::CudaError;
use crate::CudaDevice;

/// The GPUs of this machine, or the reason why there are none.
pub(crate) fn devices() -> Result<Vec<CudaDevice>, String> {
    let count = count().map_err(|error| error.to_string())?;
    if count == 0 {
        return Err("the NVIDIA driver is installed, but there is no CUDA device".to_owned());
    }
    guard(|| (0..count).map(device).collect()).map_err(|error| error.to_string())
}

/// The number of GPUs, if what is needed to use them is installed.
pub(super) fn count() -> Result<usize, CudaError> {
    if !has_driver() {
        return Err(CudaError::NoDriver);
    }
    if !has_compiler() {
        return Err(CudaError::NoCompiler);
    }
    let count = guard(|| Ok(CudaContext::device_count()?))?;
    Ok(usize::try_from(count).unwrap_or(0))
}

/// Turns panics of cudarc into errors: it panics if a library lacks a function that it expects.
pub(super) fn guard<T>(work: impl FnOnce() -> Result<T, CudaError>) -> Result<T, CudaError> {
    // Nothing of ours is changed half-way: the work only returns a value.
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        Err(CudaError::BrokenDriver(text.unwrap_or_else(|| "it lacks a function".to_owned())))
    })
}

#[allow(unsafe_code, reason = "loads a library to look whether it is there")]
fn has_driver() -> bool {
    // SAFETY: loading libcuda runs only its own initialisers, which expect to be loaded like this.
    unsafe { sys::is_culib_present() }
}

#[allow(unsafe_code, reason = "loads a library to look whether it is there")]
pub(super) fn has_compiler() -> bool {
    // SAFETY: as for libcuda.
    unsafe { cudarc::nvrtc::sys::is_culib_present() }
}

fn device(ordinal: usize) -> Result<CudaDevice, CudaError> {
    use sys::CUdevice_attribute as Attribute;
    let handle = result::device::get(i32::try_from(ordinal).unwrap_or(i32::MAX))?;
    let major = attribute(handle, Attribute::CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR)?;
    let minor = attribute(handle, Attribute::CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR)?;
    Ok(CudaDevice {
        ordinal,
        name: result::device::get_name(handle)?,
        memory_bytes: memory(handle)? as u64,
        compute_capability: (major, minor),
    })
}

#[allow(unsafe_code, reason = "cudarc's safe call makes a context, which costs device memory")]
fn attribute(device: sys::CUdevice, attribute: sys::CUdevice_attribute) -> Result<u32, CudaError> {
    // SAFETY: the device handle comes from the driver.
    let value = unsafe { result::device::get_attribute(device, attribute) }?;
    Ok(u32::try_from(value).unwrap_or(0))
}

#[allow(unsafe_code, reason = "cudarc's safe call makes a context, which costs device memory")]
fn memory(device: sys::CUdevice) -> Result<usize, CudaError> {
    // SAFETY: the device handle comes from the driver.
    Ok(unsafe { result::device::total_mem(device) }?)
}
