//! Expressions and what may be said about each.

use std::ops::BitOr;

use hyperscan_sys as hs;

/// One expression of a set, in Hyperscan's part of the PCRE syntax: no captures, no back-references, no look-around.
///
/// It works on bytes. A letter beyond ASCII stands for its UTF-8 bytes, so `é?` makes only the last of them optional; `\w`, `\s`, `\d`
/// and `\b` are ASCII.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pattern<'a> {
    /// The expression.
    pub expression: &'a str,
    /// How it is read.
    pub flags: Flags,
    /// Which of its matches count.
    pub bounds: Bounds,
}

impl<'a> Pattern<'a> {
    /// An expression with no flags and no bounds.
    #[must_use]
    pub fn new(expression: &'a str) -> Self {
        Self { expression, flags: Flags::NONE, bounds: Bounds::default() }
    }

    /// With these flags.
    #[must_use]
    pub fn with_flags(self, flags: Flags) -> Self {
        Self { flags, ..self }
    }

    /// With these bounds.
    #[must_use]
    pub fn with_bounds(self, bounds: Bounds) -> Self {
        Self { bounds, ..self }
    }
}

/// How an expression is read, and what is reported of it. Join them with `|`.
///
/// UTF-8 mode is missing on purpose: what it finds in broken UTF-8 is undefined, and Tamiz scans hostile bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Flags(u32);

impl Flags {
    /// None.
    pub const NONE: Self = Self(0);
    /// ASCII letters match in either case.
    pub const CASELESS: Self = Self(hs::HS_FLAG_CASELESS);
    /// `.` matches line feeds too.
    pub const DOT_ALL: Self = Self(hs::HS_FLAG_DOTALL);
    /// `^` and `$` match at line feeds too.
    pub const MULTI_LINE: Self = Self(hs::HS_FLAG_MULTILINE);
    /// At most one match per scan is reported. Without it, every end is: hundreds for `\S{1,500}`.
    pub const SINGLE_MATCH: Self = Self(hs::HS_FLAG_SINGLEMATCH);
    /// The expression may match nothing at all, which is refused otherwise. It then matches at every byte.
    pub const ALLOW_EMPTY: Self = Self(hs::HS_FLAG_ALLOWEMPTY);
    /// Hyperscan may widen the expression to one that it supports. It then reports too much, never too little: check every match.
    pub const PREFILTER: Self = Self(hs::HS_FLAG_PREFILTER);

    /// Whether all of `other` are among these.
    #[must_use]
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// These and `other`, in constants. Elsewhere, `|` reads better.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    pub(crate) const fn bits(self) -> u32 {
        self.0
    }
}

impl BitOr for Flags {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        self.union(other)
    }
}

/// Which matches of an expression count. `None` everywhere: all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Bounds {
    /// Matches end here or later, in bytes from the start of the text.
    pub min_offset: Option<u64>,
    /// Matches end here or earlier.
    pub max_offset: Option<u64>,
    /// Matches have this many bytes or more.
    pub min_length: Option<u64>,
    /// Up to this many bytes may be inserted, removed or replaced. Dear: try it on the set before using it.
    pub edit_distance: Option<u32>,
    /// Up to this many bytes may be replaced. Not together with `edit_distance`.
    pub hamming_distance: Option<u32>,
}

impl Bounds {
    /// As the library wants it; `None` where nothing is bounded.
    pub(crate) fn to_ext(self) -> Option<hs::hs_expr_ext> {
        let flag = |set: bool, flag: u32| if set { u64::from(flag) } else { 0 };
        let flags = flag(self.min_offset.is_some(), hs::HS_EXT_FLAG_MIN_OFFSET)
            | flag(self.max_offset.is_some(), hs::HS_EXT_FLAG_MAX_OFFSET)
            | flag(self.min_length.is_some(), hs::HS_EXT_FLAG_MIN_LENGTH)
            | flag(self.edit_distance.is_some(), hs::HS_EXT_FLAG_EDIT_DISTANCE)
            | flag(self.hamming_distance.is_some(), hs::HS_EXT_FLAG_HAMMING_DISTANCE);
        (flags != 0).then(|| hs::hs_expr_ext {
            flags,
            min_offset: self.min_offset.unwrap_or(0),
            max_offset: self.max_offset.unwrap_or(0),
            min_length: self.min_length.unwrap_or(0),
            edit_distance: self.edit_distance.unwrap_or(0),
            hamming_distance: self.hamming_distance.unwrap_or(0),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_join_and_are_found_again() {
        let flags = Flags::CASELESS | Flags::SINGLE_MATCH;
        assert!(flags.contains(Flags::CASELESS) && flags.contains(Flags::SINGLE_MATCH));
        assert!(!flags.contains(Flags::DOT_ALL) && flags.contains(Flags::NONE));
        assert_eq!(flags, Flags::SINGLE_MATCH.union(Flags::CASELESS));
    }

    #[test]
    fn only_what_is_set_is_handed_over() {
        assert_eq!(Bounds::default().to_ext(), None);
        let ext = Bounds { max_offset: Some(0), edit_distance: Some(2), ..Bounds::default() }.to_ext();
        let ext = ext.unwrap_or_default();
        assert_eq!(ext.flags, u64::from(hs::HS_EXT_FLAG_MAX_OFFSET | hs::HS_EXT_FLAG_EDIT_DISTANCE));
        assert_eq!((ext.max_offset, ext.edit_distance, ext.min_length), (0, 2, 0));
    }
}
