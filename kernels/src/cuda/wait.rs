//! Waits for the device without spinning, and not for ever.

use std::time::Duration;

use super::CudaError;
use crate::clock::Stopwatch;

/// How many times the device is polled without a pause: most small frames are done by then.
const SPINS: usize = 200;
/// The longest pause between two polls.
const LONGEST: Duration = Duration::from_micros(250);

/// Waits until the device reports that it is done.
pub(super) fn wait(
    patience: Duration,
    mut done: impl FnMut() -> Result<bool, CudaError>,
) -> Result<(), CudaError> {
    let watch = Stopwatch::start();
    let mut pause = Duration::from_micros(10);
    for looks in 0_usize.. {
        if done()? {
            return Ok(());
        }
        if watch.elapsed() >= patience {
            break;
        }
        if looks < SPINS {
            std::thread::yield_now();
        } else {
            // This thread is the device's own; if it is woken early, it looks early.
            std::thread::park_timeout(pause);
            pause = (pause * 2).min(LONGEST);
        }
    }
    Err(CudaError::Hung(patience))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_ends_with_the_work_with_an_error_or_with_its_patience() {
        let mut left = 300;
        let done = || {
            left -= 1;
            Ok(left == 0)
        };
        assert_eq!(wait(Duration::from_secs(60), done), Ok(()));
        let broken = || Err(CudaError::NoDriver);
        assert_eq!(wait(Duration::from_secs(60), broken), Err(CudaError::NoDriver));
        let patience = Duration::from_millis(20);
        let watch = Stopwatch::start();
        assert_eq!(wait(patience, || Ok(false)), Err(CudaError::Hung(patience)));
        assert!(watch.elapsed() >= patience && watch.elapsed() < Duration::from_secs(10));
    }
}
