//! Stands in for the kernels of x86 where there is no x86: nothing is available, and every function is `None`.

use crate::Survey;
use crate::grams::{Filters, Marks};

/// Whether the processor has what these kernels need: it does not.
#[inline]
pub fn available() -> bool {
    false
}

/// [`crate::fold_plain`], or `None` and nothing done: always that.
#[inline]
pub fn fold_plain(_: &[u8], _: bool, _: &mut Vec<u8>) -> Option<usize> {
    None
}

/// [`crate::survey()`], or `None` and nothing done: always that.
#[inline]
pub fn survey(_: &[u8], _: &mut Survey) -> Option<()> {
    None
}

/// [`crate::grams()`], or `None` and nothing done: always that.
#[inline]
pub fn grams(_: &[u8], _: usize, _: Filters<'_>, _: &mut [Marks]) -> Option<()> {
    None
}
