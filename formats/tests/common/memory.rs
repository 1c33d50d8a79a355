//! The system's allocator, which notes what this thread asks of it. Who includes this file has it
//! as the allocator of the whole program.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

struct Noting;

thread_local! {
    /// Bytes that this thread has asked for and not given back; below zero where it gives back what
    /// others asked for.
    static LIVE: Cell<isize> = const { Cell::new(0) };
    /// The most that was live at once.
    static PEAK: Cell<isize> = const { Cell::new(0) };
    /// The largest single request.
    static LARGEST: Cell<usize> = const { Cell::new(0) };
}

fn asked(size: usize) {
    // While a thread ends, its counters may be gone already.
    let _ = LARGEST.try_with(|largest| largest.set(largest.get().max(size)));
    let _ = LIVE.try_with(|live| {
        live.set(live.get().saturating_add_unsigned(size));
        let _ = PEAK.try_with(|peak| peak.set(peak.get().max(live.get())));
    });
}

fn given_back(size: usize) {
    let _ = LIVE.try_with(|live| live.set(live.get().saturating_sub_unsigned(size)));
}

#[expect(unsafe_code, reason = "the only way to see what is allocated")]
// SAFETY: every call is handed to the system's allocator as it came.
unsafe impl GlobalAlloc for Noting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        asked(layout.size());
        // SAFETY: the caller keeps the contract, which is the same.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        asked(layout.size());
        // SAFETY: the caller keeps the contract, which is the same.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        asked(size);
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
static ALLOCATOR: Noting = Noting;

/// What a run asked of the allocator, in bytes.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Memory {
    /// The most that was live at once, beyond what was live before.
    pub(crate) peak: usize,
    /// The largest single request.
    pub(crate) largest: usize,
}

/// The result of `run`, and the memory that it asked for.
pub(crate) fn measured<T>(run: impl FnOnce() -> T) -> (T, Memory) {
    let before = LIVE.get();
    PEAK.set(before);
    LARGEST.set(0);
    let result = run();
    let memory = Memory {
        peak: (PEAK.get() - before).unsigned_abs(),
        largest: LARGEST.get(),
    };
    (result, memory)
}

/// The tests of memory would pass with counters that never count.
#[test]
fn the_counters_count() {
    let ((), memory) = measured(|| {
        drop(std::hint::black_box(vec![1_u8; 1000]));
        let held = std::hint::black_box(vec![1_u8; 300]);
        let mut grown: Vec<u8> = Vec::with_capacity(10);
        grown.reserve_exact(500);
        std::hint::black_box((&held, &grown));
    });
    assert_eq!(memory.largest, 1000);
    assert_eq!(memory.peak, 1000);
}
