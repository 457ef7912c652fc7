//! Reusable pixel memory: under a steady load, no frame allocates.

mod memory;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use bytes::Bytes;

pub use memory::CACHE_LINE;
use memory::Memory;

/// Memory of more bytes than this is given only to buffers of about its size.
const LARGE: usize = 1 << 20;

/// A pool of buffers. A buffer returns to it when it is dropped, on any thread. Clones share the
/// pool.
#[derive(Clone, Debug)]
pub struct Pool {
    shelf: Arc<Mutex<Shelf>>,
}

#[derive(Debug)]
struct Shelf {
    /// Each entry is the only reference to its memory. The reference count is stored with the
    /// memory, so that sharing a buffer does not allocate either.
    free: Vec<Arc<Slab>>,
    free_bytes: usize,
    max_free_bytes: usize,
}

/// Memory, and the pool that it returns to.
#[derive(Debug)]
struct Slab {
    memory: Memory,
    home: Weak<Mutex<Shelf>>,
}

impl Slab {
    fn new(len: usize, home: Weak<Mutex<Shelf>>) -> Self {
        Self { memory: Memory::new(len), home }
    }

    fn len(&self) -> usize {
        self.memory.len()
    }

    fn bytes(&self, len: usize) -> Option<&[u8]> {
        self.memory.bytes().get(..len)
    }

    fn bytes_mut(&mut self, len: usize) -> Option<&mut [u8]> {
        self.memory.bytes_mut().get_mut(..len)
    }
}

impl Pool {
    /// A pool that keeps unused buffers of at most `max_free_bytes` in total.
    #[must_use]
    pub fn new(max_free_bytes: usize) -> Self {
        let shelf = Shelf { free: Vec::new(), free_bytes: 0, max_free_bytes };
        Self { shelf: Arc::new(Mutex::new(shelf)) }
    }

    /// Takes a buffer of exactly `len` bytes. It may still hold what an earlier user wrote.
    ///
    /// # Panics
    /// If the system has no such memory: "out of memory: 5 bytes of pixels". The pool stays usable.
    #[must_use]
    pub fn take(&self, len: usize) -> PooledBuffer {
        let recycled = lock(&self.shelf).best_fit(len);
        let slab =
            recycled.unwrap_or_else(|| Arc::new(Slab::new(len, Arc::downgrade(&self.shelf))));
        PooledBuffer { slab: Some(slab), len }
    }

    /// The bytes of the unused buffers that the pool holds now.
    #[must_use]
    pub fn free_bytes(&self) -> usize {
        lock(&self.shelf).free_bytes
    }
}

fn lock(shelf: &Mutex<Shelf>) -> MutexGuard<'_, Shelf> {
    shelf.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shelf {
    /// Takes the smallest free buffer that is large enough, unless most of it would stay unused.
    fn best_fit(&mut self, len: usize) -> Option<Arc<Slab>> {
        // Of large memory so little may stay unused that it does not matter to any budget.
        let fits = |is: usize| {
            is >= len && is / 4 <= len.max(1024) && (is <= LARGE || is - len <= len / 8)
        };
        let (index, _) = (self.free.iter().enumerate())
            .filter(|(_, slab)| fits(slab.len()))
            .min_by_key(|(_, slab)| slab.len())?;
        let slab = self.free.swap_remove(index);
        self.free_bytes -= slab.len();
        Some(slab)
    }

    /// Adds memory, and returns the memory that exceeds the limit. The caller drops it without
    /// holding the lock.
    fn put(&mut self, slab: Arc<Slab>) -> Option<Vec<Arc<Slab>>> {
        if slab.len() > self.max_free_bytes {
            return Some(vec![slab]);
        }
        self.free_bytes += slab.len();
        self.free.push(slab);
        if self.free_bytes <= self.max_free_bytes {
            return None;
        }
        // The oldest goes first, so that sizes that are no longer used leave the pool.
        let mut count = 0;
        for slab in &self.free {
            if self.free_bytes <= self.max_free_bytes {
                break;
            }
            self.free_bytes -= slab.len();
            count += 1;
        }
        Some(self.free.drain(..count).collect())
    }
}

/// Returns memory to its pool if this is the only reference to it. If several references are
/// dropped at the same time, none may be the only one: the memory is then freed, which costs an
/// allocation later.
fn send_home(slab: &mut Option<Arc<Slab>>) {
    let Some(mut slab) = slab.take() else { return };
    if let Some(only) = Arc::get_mut(&mut slab)
        && let Some(shelf) = only.home.upgrade()
    {
        let surplus = lock(&shelf).put(slab);
        drop(surplus);
    }
}

/// A buffer of a [`Pool`], which returns to it when dropped.
#[derive(Debug)]
pub struct PooledBuffer {
    /// The only reference to the memory; `None` once the buffer is dropped or shared.
    slab: Option<Arc<Slab>>,
    /// The length of the buffer, at most that of the slab.
    len: usize,
}

impl PooledBuffer {
    /// Shortens the buffer to `len` bytes without releasing memory.
    pub fn truncate(&mut self, len: usize) {
        self.len = self.len.min(len);
    }

    /// Converts the buffer to shared bytes without a copy. Its memory returns to the pool when the
    /// last owner drops it.
    #[must_use]
    pub fn freeze(self) -> Bytes {
        self.share().into_bytes()
    }

    /// Converts the buffer to shared pixels without a copy or an allocation.
    #[must_use]
    pub fn share(mut self) -> Pixels {
        Pixels(Source::Pooled { slab: self.slab.take(), len: self.len })
    }
}

impl std::ops::Deref for PooledBuffer {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.slab.as_ref().and_then(|slab| slab.bytes(self.len)).unwrap_or_default()
    }
}

impl std::ops::DerefMut for PooledBuffer {
    fn deref_mut(&mut self) -> &mut [u8] {
        let slab = self.slab.as_mut().and_then(Arc::get_mut);
        slab.and_then(|slab| slab.bytes_mut(self.len)).unwrap_or_default()
    }
}

impl AsRef<[u8]> for PooledBuffer {
    fn as_ref(&self) -> &[u8] {
        self
    }
}

impl Drop for PooledBuffer {
    fn drop(&mut self) {
        send_home(&mut self.slab);
    }
}

/// Shared, immutable bytes. If they belong to a [`Pool`], they return to it when the last clone is
/// dropped.
#[derive(Clone, Debug)]
pub struct Pixels(Source);

#[derive(Clone, Debug)]
enum Source {
    Pooled { slab: Option<Arc<Slab>>, len: usize },
    Bytes(Bytes),
}

impl Pixels {
    /// Converts the pixels to the type that messages and files take, without a copy.
    #[must_use]
    pub fn into_bytes(mut self) -> Bytes {
        match &mut self.0 {
            Source::Bytes(bytes) => std::mem::take(bytes),
            Source::Pooled { .. } => Bytes::from_owner(self),
        }
    }
}

impl From<Bytes> for Pixels {
    fn from(bytes: Bytes) -> Self {
        Self(Source::Bytes(bytes))
    }
}

impl AsRef<[u8]> for Pixels {
    fn as_ref(&self) -> &[u8] {
        match &self.0 {
            Source::Bytes(bytes) => bytes,
            Source::Pooled { slab, len } => {
                slab.as_ref().and_then(|slab| slab.bytes(*len)).unwrap_or_default()
            }
        }
    }
}

impl std::ops::Deref for Pixels {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.as_ref()
    }
}

impl PartialEq for Pixels {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl Eq for Pixels {}

impl Drop for Pixels {
    fn drop(&mut self) {
        if let Source::Pooled { slab, .. } = &mut self.0 {
            send_home(slab);
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
    fn memory_that_does_not_exist_is_a_panic_that_can_be_caught() {
        let pool = Pool::new(1 << 20);
        for len in [usize::MAX, isize::MAX.unsigned_abs(), 1 << 60] {
            let taken = std::panic::catch_unwind(|| drop(pool.take(len))).unwrap_err();
            let said = taken.downcast_ref::<String>().unwrap();
            assert_eq!(*said, format!("out of memory: {len} bytes of pixels"));
        }
        assert_eq!(pool.take(10).len(), 10);
    }

    #[test]
    fn large_memory_is_given_only_to_buffers_of_about_its_size() {
        let pool = Pool::new(1 << 24);
        drop(pool.take(1 << 22));
        drop(pool.take((1 << 22) / 2));
        assert_eq!(pool.free_bytes(), (1 << 22) + (1 << 21));
        let nearly = pool.take((1 << 22) - (1 << 18));
        assert_eq!(pool.free_bytes(), 1 << 21);
        drop(nearly);
    }

    #[test]
    fn a_buffer_may_outlive_its_pool() {
        let buffer = Pool::new(1 << 20).take(10);
        assert_eq!(buffer.freeze().len(), 10);
    }
}
