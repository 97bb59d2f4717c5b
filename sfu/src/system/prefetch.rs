//! Has memory fetched before it is needed.

use std::mem::size_of;

/// Bytes that the processor fetches at once.
const CACHE_LINE_BYTES: usize = 64;

/// Asks the processor to fetch the bytes of `value` itself (not what it points to) and goes on at once. Only a hint; where
/// there is no such instruction, nothing.
#[inline]
pub(crate) fn prefetch<T>(value: &T) {
    let start = std::ptr::from_ref(value).cast::<i8>();
    for offset in (0..size_of::<T>()).step_by(CACHE_LINE_BYTES) {
        #[cfg(target_arch = "x86_64")]
        // SAFETY: the instruction (part of every x86-64 processor) reads and writes nothing that a program can see; the
        // address lies within `value`.
        unsafe {
            use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
            _mm_prefetch::<_MM_HINT_T0>(start.add(offset));
        }
        #[cfg(not(target_arch = "x86_64"))]
        let _ = (start, offset);
    }
}
