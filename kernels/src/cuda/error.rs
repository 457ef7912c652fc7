//! The errors of a GPU, and what they mean.

use std::time::Duration;

use cudarc::driver::{DriverError, sys::CUresult};

use crate::BackendError;

/// Why a GPU cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CudaError {
    /// `libcuda` is not installed.
    #[error("the NVIDIA driver (libcuda) is not installed")]
    NoDriver,
    /// `libnvrtc` is not installed.
    #[error("the CUDA kernel compiler (libnvrtc 12 or 13) is not installed")]
    NoCompiler,
    /// There is no device with that ordinal.
    #[error("there is no CUDA device {ordinal}: there are {count}, numbered from 0")]
    NoDevice {
        /// The ordinal that was asked for.
        ordinal: usize,
        /// The number of devices.
        count: usize,
    },
    /// A call to the driver failed.
    #[error("{0}")]
    Driver(#[from] DriverFault),
    /// A kernel does not compile.
    #[error("{source_name} does not compile: {log}")]
    Compile {
        /// The name of the source.
        source_name: String,
        /// The messages of the compiler.
        log: String,
    },
    /// The driver library is too old or broken.
    #[error("the NVIDIA driver library is not usable: {0}")]
    BrokenDriver(String),
    /// The compiler library is too old or broken.
    #[error("the CUDA kernel compiler is not usable: {0}")]
    BrokenCompiler(String),
    /// The device did not finish within that time.
    #[error("the device has not finished within {0:?}")]
    Hung(Duration),
    /// Nobody waits for the results any more.
    #[error("the work was interrupted")]
    Interrupted,
    /// A bug in this program.
    #[error("{0}")]
    Bug(String),
}

/// An error code of the driver, classified by what it means to the caller.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DriverFault {
    /// There is not enough free device memory.
    #[error("out of device memory ({0})")]
    OutOfMemory(String),
    /// Nothing in this process can use the device any more.
    #[error("the device failed for good ({0})")]
    Sticky(String),
    /// Only this call failed.
    #[error("the driver refused the call ({0})")]
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

/// Whether every further call of the process fails after this error.
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
            CudaError::Interrupted => Self::Interrupted,
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
