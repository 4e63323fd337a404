//! The engine's decision asks for no memory, whatever policies and request say. What a server collects for it, the condition
//! keys of a call and the policies of a caller, is its own.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[allow(dead_code, reason = "this test asks only some of the questions")]
mod generator;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use generator::Scope;
use landfall_iam::evaluate;
use landfall_iam::simulate::Case;

thread_local! {
    static ALLOCATIONS: Cell<usize> = const { Cell::new(0) };
}

/// Counts what each thread asks for.
struct Counting;

// SAFETY: every call is passed on to the system's allocator as it is.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.with(|count| count.set(count.get() + 1));
        // SAFETY: the caller keeps to the contract of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller keeps to the contract of `dealloc`.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

#[test]
fn a_decision_does_not_allocate() {
    for seed in 0..1_000 {
        let case = generator::case(seed, Scope::Everything);
        for check in Case::parse(&case.to_string()).unwrap().checks() {
            let used = check.with(|request, layers| {
                let before = ALLOCATIONS.get();
                std::hint::black_box(evaluate(request, layers));
                ALLOCATIONS.get() - before
            });
            assert_eq!(used, 0, "{case:#}");
        }
    }
}
