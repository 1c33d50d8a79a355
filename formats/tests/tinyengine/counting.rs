//! An allocator that counts.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

/// Most that a reader may hold.
pub(crate) const MOST_BYTES: usize = 64 * 1024 * 1024;

/// The system's allocator, which keeps account of what this thread holds.
struct Counting;

thread_local! {
    /// Below zero where it frees what other threads allocated.
    static HELD: Cell<isize> = const { Cell::new(0) };
    static MOST_HELD: Cell<isize> = const { Cell::new(0) };
}

fn taken(bytes: usize) {
    // While a thread ends, its counters may be gone already.
    let _ = HELD.try_with(|held| {
        held.set(held.get().saturating_add_unsigned(bytes));
        let _ = MOST_HELD.try_with(|most| most.set(most.get().max(held.get())));
    });
}

fn given_back(bytes: usize) {
    let _ = HELD.try_with(|held| held.set(held.get().saturating_sub_unsigned(bytes)));
}

#[expect(unsafe_code, reason = "the only way to see what is allocated")]
// SAFETY: every call is handed to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        taken(layout.size());
        // SAFETY: the caller keeps the contract, which is the same.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        taken(layout.size());
        // SAFETY: the caller keeps the contract, which is the same.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        taken(size);
        given_back(layout.size());
        // SAFETY: the caller keeps the contract, which is the same.
        unsafe { System.realloc(block, layout, size) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        given_back(layout.size());
        // SAFETY: the caller keeps the contract, which is the same.
        unsafe { System.dealloc(block, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Most bytes that `run` held at once, beyond what was held before.
pub(crate) fn most_held<T>(run: impl FnOnce() -> T) -> (T, usize) {
    let before = HELD.get();
    MOST_HELD.set(before);
    let result = run();
    let most = MOST_HELD.get() - before;
    (result, most.unsigned_abs())
}

/// The checks below would pass with an allocator that counts nothing.
#[test]
fn the_allocator_counts() {
    let (block, most) = most_held(|| vec![1_u8; 100_000]);
    assert_eq!((block.len(), most), (100_000, 100_000));
    let ((), most) = most_held(|| drop(std::hint::black_box(vec![0_u64; 1000])));
    assert_eq!(most, 8000);
}
