//! What can go wrong with a GPU, and what that means.

use std::time::Duration;

use cudarc::driver::{DriverError, sys::CUresult};

use crate::BackendError;

/// Why a GPU cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CudaError {
    /// No `libcuda`.
    #[error("the NVIDIA driver (libcuda) is not installed")]
    NoDriver,
    /// No `libnvrtc`.
    #[error("the CUDA kernel compiler (libnvrtc 12 or 13) is not installed")]
    NoCompiler,
    /// The ordinal is too large.
    #[error("there is no CUDA device {ordinal}: there are {count}, numbered from 0")]
    NoDevice {
        /// As asked for.
        ordinal: usize,
        /// How many there are.
        count: usize,
    },
    /// The device, or what was asked of it, failed.
    #[error("{0}")]
    Driver(#[from] DriverFault),
    /// A kernel does not compile.
    #[error("{source_name} does not compile: {log}")]
    Compile {
        /// The file.
        source_name: String,
        /// What the compiler says.
        log: String,
    },
    /// The driver library is too old or broken.
    #[error("the NVIDIA driver library is not usable: {0}")]
    BrokenDriver(String),
    /// The compiler library is too old or broken.
    #[error("the CUDA kernel compiler is not usable: {0}")]
    BrokenCompiler(String),
    /// The device did not finish.
    #[error("the device has not finished within {0:?}")]
    Hung(Duration),
    /// A bug of ours.
    #[error("{0}")]
    Bug(String),
}

/// An error code of the driver, by what it means to the caller.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DriverFault {
    /// Less memory is free than was asked for.
    #[error("out of device memory ({0})")]
    OutOfMemory(String),
    /// Nothing in this process can use the device any more.
    #[error("the device failed for good ({0})")]
    Sticky(String),
    /// Only this call failed.
    #[error("the driver refused ({0})")]
    Call(String),
}

impl From<DriverError> for CudaError {
    fn from(error: DriverError) -> Self {
        Self::Driver(DriverFault::from(error))
    }
}

impl From<DriverError> for DriverFault {
    fn from(DriverError(code): DriverError) -> Self {
        let text = format!("{code:?}");
        match code {
            CUresult::CUDA_ERROR_OUT_OF_MEMORY => Self::OutOfMemory(text),
            code if is_sticky(code) => Self::Sticky(text),
            _ => Self::Call(text),
        }
    }
}

/// After these every further call of the process fails too.
fn is_sticky(code: CUresult) -> bool {
    matches!(
        code,
        CUresult::CUDA_ERROR_DEINITIALIZED
            | CUresult::CUDA_ERROR_DEVICE_UNAVAILABLE
            | CUresult::CUDA_ERROR_ECC_UNCORRECTABLE
            | CUresult::CUDA_ERROR_NVLINK_UNCORRECTABLE
            | CUresult::CUDA_ERROR_CONTAINED
            | CUresult::CUDA_ERROR_ILLEGAL_ADDRESS
            | CUresult::CUDA_ERROR_LAUNCH_TIMEOUT
            | CUresult::CUDA_ERROR_CONTEXT_IS_DESTROYED
            | CUresult::CUDA_ERROR_ASSERT
            | CUresult::CUDA_ERROR_HARDWARE_STACK_ERROR
            | CUresult::CUDA_ERROR_ILLEGAL_INSTRUCTION
            | CUresult::CUDA_ERROR_MISALIGNED_ADDRESS
            | CUresult::CUDA_ERROR_INVALID_ADDRESS_SPACE
            | CUresult::CUDA_ERROR_INVALID_PC
            | CUresult::CUDA_ERROR_LAUNCH_FAILED
            | CUresult::CUDA_ERROR_EXTERNAL_DEVICE
            | CUresult::CUDA_ERROR_UNKNOWN
    )
}

impl From<CudaError> for BackendError {
    fn from(error: CudaError) -> Self {
        let text = error.to_string();
        match error {
            CudaError::Driver(DriverFault::OutOfMemory(_)) => Self::DeviceBusy(text),
            CudaError::NoDriver
            | CudaError::NoDevice { .. }
            | CudaError::BrokenDriver(_)
            | CudaError::Hung(_)
            | CudaError::Driver(DriverFault::Sticky(_)) => Self::DeviceLost(text),
            CudaError::NoCompiler
            | CudaError::BrokenCompiler(_)
            | CudaError::Compile { .. }
            | CudaError::Bug(_)
            | CudaError::Driver(_) => Self::Internal(text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn backend_error(code: CUresult) -> BackendError {
        CudaError::from(DriverError(code)).into()
    }

    #[test]
    fn what_an_error_code_means() {
        let busy = backend_error(CUresult::CUDA_ERROR_OUT_OF_MEMORY);
        assert!(matches!(busy, BackendError::DeviceBusy(text) if text.contains("OUT_OF_MEMORY")));
        let lost = backend_error(CUresult::CUDA_ERROR_ILLEGAL_ADDRESS);
        assert!(matches!(lost, BackendError::DeviceLost(text) if text.contains("ILLEGAL_ADDRESS")));
        let bug = backend_error(CUresult::CUDA_ERROR_INVALID_VALUE);
        assert!(matches!(bug, BackendError::Internal(text) if text.contains("INVALID_VALUE")));
        let hung = BackendError::from(CudaError::Hung(Duration::from_secs(10)));
        assert!(matches!(hung, BackendError::DeviceLost(text) if text.contains("10s")));
    }
}
