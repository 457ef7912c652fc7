//! Pixel memory that is used again: at a steady load no frame allocates.

use std::sync::{Arc, Mutex, PoisonError, Weak};

use bytes::Bytes;

/// Hands out buffers and takes them back when they are dropped, wherever that happens.
#[derive(Clone, Debug)]
pub struct Pool {
    shelf: Arc<Mutex<Shelf>>,
}

#[derive(Debug)]
struct Shelf {
    free: Vec<Vec<u8>>,
    free_bytes: usize,
    max_free_bytes: usize,
}

impl Pool {
    /// A pool that keeps at most that many bytes of unused buffers.
    #[must_use]
    pub fn new(max_free_bytes: usize) -> Self {
        let shelf = Shelf { free: Vec::new(), free_bytes: 0, max_free_bytes };
        Self { shelf: Arc::new(Mutex::new(shelf)) }
    }

    /// A buffer of exactly `len` bytes. What stands in it is left over from earlier use.
    #[must_use]
    pub fn take(&self, len: usize) -> PooledBuffer {
        let recycled = {
            let mut shelf = self.shelf.lock().unwrap_or_else(PoisonError::into_inner);
            shelf.best_fit(len)
        };
        // Fresh memory is zeroed by the operating system page by page, as it is touched.
        let bytes = recycled.unwrap_or_else(|| vec![0; len]);
        PooledBuffer { bytes, len, home: Arc::downgrade(&self.shelf) }
    }

    /// Bytes of unused buffers that it keeps now.
    #[must_use]
    pub fn free_bytes(&self) -> usize {
        self.shelf.lock().unwrap_or_else(PoisonError::into_inner).free_bytes
    }
}

impl Shelf {
    /// The smallest free buffer that is large enough, unless most of it would lie idle.
    fn best_fit(&mut self, len: usize) -> Option<Vec<u8>> {
        let fits = |buffer: &Vec<u8>| buffer.len() >= len && buffer.len() / 4 <= len.max(1024);
        let (index, _) = (self.free.iter().enumerate())
            .filter(|(_, buffer)| fits(buffer))
            .min_by_key(|(_, buffer)| buffer.len())?;
        let buffer = self.free.swap_remove(index);
        self.free_bytes -= buffer.len();
        Some(buffer)
    }

    fn put(&mut self, buffer: Vec<u8>) {
        if buffer.len() > self.max_free_bytes {
            return;
        }
        self.free_bytes += buffer.len();
        self.free.push(buffer);
        // Oldest first: sizes nobody asks for any more leave the pool.
        while self.free_bytes > self.max_free_bytes {
            self.free_bytes -= self.free.remove(0).len();
        }
    }
}

/// Memory of a [`Pool`], given back on drop.
#[derive(Debug)]
pub struct PooledBuffer {
    /// At least `len` bytes, all initialised.
    bytes: Vec<u8>,
    len: usize,
    home: Weak<Mutex<Shelf>>,
}

impl PooledBuffer {
    /// Shortens it; the memory stays.
    pub fn truncate(&mut self, len: usize) {
        self.len = self.len.min(len);
    }

    /// Shares it without a copy; it goes home when the last owner drops it.
    #[must_use]
    pub fn freeze(self) -> Bytes {
        Bytes::from_owner(self)
    }
}

impl std::ops::Deref for PooledBuffer {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or_default()
    }
}

impl std::ops::DerefMut for PooledBuffer {
    fn deref_mut(&mut self) -> &mut [u8] {
        self.bytes.get_mut(..self.len).unwrap_or_default()
    }
}

impl AsRef<[u8]> for PooledBuffer {
    fn as_ref(&self) -> &[u8] {
        self
    }
}

impl Drop for PooledBuffer {
    fn drop(&mut self) {
        if let Some(shelf) = self.home.upgrade() {
            let buffer = std::mem::take(&mut self.bytes);
            shelf.lock().unwrap_or_else(PoisonError::into_inner).put(buffer);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dropped_buffer_is_used_again() {
        let pool = Pool::new(1 << 20);
        let first = pool.take(5000);
        let address = first.as_ptr();
        drop(first.freeze());
        assert_eq!(pool.free_bytes(), 5000);
        let second = pool.take(4000);
        assert_eq!((second.as_ptr(), second.len()), (address, 4000));
        assert_eq!(pool.free_bytes(), 0);
    }

    #[test]
    fn it_keeps_no_more_than_its_limit_and_drops_the_oldest() {
        let pool = Pool::new(10_000);
        let (a, b) = (pool.take(6000), pool.take(7000));
        drop(a);
        drop(b);
        assert_eq!(pool.free_bytes(), 7000);
        drop(pool.take(20_000));
        assert_eq!(pool.free_bytes(), 7000);
    }

    #[test]
    fn a_large_buffer_is_not_spent_on_a_small_request() {
        let pool = Pool::new(1 << 24);
        drop(pool.take(1 << 23));
        let small = pool.take(1 << 16);
        assert_eq!(small.len(), 1 << 16);
        assert_eq!(pool.free_bytes(), 1 << 23);
    }

    #[test]
    fn a_buffer_may_outlive_its_pool() {
        let buffer = Pool::new(1 << 20).take(10);
        assert_eq!(buffer.freeze().len(), 10);
    }
}
