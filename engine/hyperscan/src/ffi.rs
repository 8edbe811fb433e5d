//! The only file with unsafe code: owners of the library's objects, and calls that cannot be made wrongly.
//!
//! What every block relies on, besides what it says itself:
//! - Nobody in this process calls `hs_set_allocator` and its kin, so what the library hands out is freed by itself or by `free`.
//! - `library::check` has passed before a database is made, so the structures have the layout of version 5.4, as the bindings do.

#![allow(unsafe_code, reason = "this is the file that talks to C; every block says why it is right")]

use std::any::Any;
use std::ffi::{CStr, CString, c_char, c_int, c_uint, c_ulonglong, c_void};
use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::ptr::{self, NonNull};
use std::sync::atomic::{AtomicU64, Ordering};

use hyperscan_sys as hs;

use crate::cache::Verified;
use crate::database::{Match, Outcome};
use crate::error::Status;

const SUCCESS: c_int = hs::HS_SUCCESS as c_int;

fn succeed(status: c_int) -> Result<(), Status> {
    if status == SUCCESS { Ok(()) } else { Err(Status(status)) }
}

/// What the library says of itself: a version and, mostly, a date.
pub(crate) fn version() -> String {
    // SAFETY: no arguments; it returns a pointer to a constant.
    let text = unsafe { hs::hs_version() };
    if text.is_null() {
        return String::new();
    }
    // SAFETY: not null, ends with a zero, and is there for as long as the library is.
    unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned()
}

/// Whether this processor can run the library at all.
pub(crate) fn valid_platform() -> Result<(), Status> {
    // SAFETY: no arguments.
    succeed(unsafe { hs::hs_valid_platform() })
}

/// What databases are compiled for here.
pub(crate) fn platform() -> Result<hs::hs_platform_info, Status> {
    let mut info = hs::hs_platform_info::default();
    // SAFETY: a valid structure to write to.
    succeed(unsafe { hs::hs_populate_platform(&raw mut info) })?;
    Ok(info)
}

/// The user that this process acts as.
pub(crate) fn effective_user() -> u32 {
    // SAFETY: no arguments, cannot fail.
    unsafe { libc::geteuid() }
}

/// An expression, ready for the compiler.
pub(crate) struct Expression {
    pub(crate) text: CString,
    pub(crate) flags: u32,
    pub(crate) ext: Option<hs::hs_expr_ext>,
}

/// What the compiler said.
pub(crate) struct Refusal {
    /// Which expression, where it is one.
    pub(crate) index: Option<usize>,
    pub(crate) message: String,
}

/// Compiles for block mode and this processor. The ids are the places in the slice. There must be at least one expression.
pub(crate) fn compile(expressions: &[Expression]) -> Result<RawDatabase, Refusal> {
    let Ok(count) = c_uint::try_from(expressions.len()) else {
        return Err(Refusal { index: None, message: "too many patterns for 32-bit ids".to_owned() });
    };
    let texts: Vec<*const c_char> = expressions.iter().map(|expression| expression.text.as_ptr()).collect();
    let flags: Vec<c_uint> = expressions.iter().map(|expression| expression.flags).collect();
    let ids: Vec<c_uint> = (0..count).collect();
    let exts: Vec<*const hs::hs_expr_ext> =
        expressions.iter().map(|expression| expression.ext.as_ref().map_or(ptr::null(), ptr::from_ref)).collect();
    let mut database: *mut hs::hs_database = ptr::null_mut();
    let mut error: *mut hs::hs_compile_error = ptr::null_mut();
    // SAFETY: four arrays of `count` elements each; the texts end with a zero, the structures are alive, a null platform means this one;
    // database and error are places to write to. The compiler is safe to call from many threads and keeps none of the pointers.
    let status = unsafe {
        hs::hs_compile_ext_multi(
            texts.as_ptr(),
            flags.as_ptr(),
            ids.as_ptr(),
            exts.as_ptr(),
            count,
            hs::HS_MODE_BLOCK,
            ptr::null(),
            &raw mut database,
            &raw mut error,
        )
    };
    let refusal = take_error(error);
    match (NonNull::new(database), refusal) {
        (Some(database), _) if status == SUCCESS => Ok(RawDatabase::own(database)),
        (_, Some(refusal)) => Err(refusal),
        _ => Err(Refusal { index: None, message: Status(status).to_string() }),
    }
}

/// Copies what the compiler said, and frees it.
fn take_error(error: *mut hs::hs_compile_error) -> Option<Refusal> {
    // SAFETY: null, or a structure that the compiler has just made.
    let said = unsafe { error.as_ref() }?;
    let message = if said.message.is_null() {
        String::new()
    } else {
        // SAFETY: not null, and ends with a zero.
        unsafe { CStr::from_ptr(said.message) }.to_string_lossy().into_owned()
    };
    let refusal = Refusal { index: usize::try_from(said.expression).ok(), message };
    // SAFETY: made by the compiler, freed once; `said` is not used any more.
    unsafe { hs::hs_free_compile_error(error) };
    Some(refusal)
}

/// Owns a compiled database.
pub(crate) struct RawDatabase {
    pointer: NonNull<hs::hs_database>,
    /// Unique in this process. An address would not be: it is used again after the database is gone.
    id: u64,
}

// SAFETY: a database is plain memory that only `Drop` changes, and the library promises that any thread may read it, also at once.
unsafe impl Send for RawDatabase {}
// SAFETY: as above.
unsafe impl Sync for RawDatabase {}

impl Drop for RawDatabase {
    fn drop(&mut self) {
        // SAFETY: owned, freed once. Scans borrow the database, so none is running.
        unsafe { hs::hs_free_database(self.pointer.as_ptr()) };
    }
}

impl RawDatabase {
    fn own(pointer: NonNull<hs::hs_database>) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        Self { pointer, id: NEXT.fetch_add(1, Ordering::Relaxed) }
    }

    pub(crate) fn id(&self) -> u64 {
        self.id
    }

    /// Its memory, in bytes.
    pub(crate) fn size(&self) -> Result<usize, Status> {
        let mut size = 0;
        // SAFETY: a live database and a place to write to.
        succeed(unsafe { hs::hs_database_size(self.pointer.as_ptr(), &raw mut size) })?;
        Ok(size)
    }

    /// Version, processor features and mode, in the library's words.
    pub(crate) fn info(&self) -> Result<String, Status> {
        let mut text: *mut c_char = ptr::null_mut();
        // SAFETY: a live database and a place to write to.
        succeed(unsafe { hs::hs_database_info(self.pointer.as_ptr(), &raw mut text) })?;
        let Some(text) = NonNull::new(text) else { return Ok(String::new()) };
        // SAFETY: not null, and ends with a zero.
        let info = unsafe { CStr::from_ptr(text.as_ptr()) }.to_string_lossy().into_owned();
        // SAFETY: from `malloc`, freed once.
        unsafe { libc::free(text.as_ptr().cast()) };
        Ok(info)
    }

    /// The database as bytes that `deserialize` understands.
    pub(crate) fn serialize(&self) -> Result<Vec<u8>, Status> {
        let mut bytes: *mut c_char = ptr::null_mut();
        let mut length = 0;
        // SAFETY: a live database and two places to write to.
        succeed(unsafe { hs::hs_serialize_database(self.pointer.as_ptr(), &raw mut bytes, &raw mut length) })?;
        let Some(bytes) = NonNull::new(bytes) else { return Err(Status(hs::HS_NOMEM)) };
        // SAFETY: the library has just written so many bytes there.
        let copy = unsafe { std::slice::from_raw_parts(bytes.as_ptr().cast::<u8>(), length) }.to_vec();
        // SAFETY: from `malloc`, freed once.
        unsafe { libc::free(bytes.as_ptr().cast()) };
        Ok(copy)
    }

    /// Makes a database of bytes that this layer has written. The library compares version, processor and a CRC, and believes the rest:
    /// wrong bytes are memory errors later on. That is why it takes nothing but [`Verified`] ones.
    pub(crate) fn deserialize(bytes: Verified<'_>) -> Result<Self, Status> {
        let bytes = bytes.as_bytes();
        let mut database: *mut hs::hs_database = ptr::null_mut();
        // SAFETY: a slice, and a place to write to. `Verified` says that the bytes are what `serialize` returned, unchanged.
        succeed(unsafe { hs::hs_deserialize_database(bytes.as_ptr().cast(), bytes.len(), &raw mut database) })?;
        NonNull::new(database).map(Self::own).ok_or(Status(hs::HS_NOMEM))
    }
}

/// Owns the working memory for one database.
pub(crate) struct RawScratch {
    pointer: NonNull<hs::hs_scratch>,
    /// The database it was made for.
    database: u64,
}

// SAFETY: plain memory that is bound to no thread. It is not `Sync`: scanning writes to it, through `&mut` only.
unsafe impl Send for RawScratch {}

impl Drop for RawScratch {
    fn drop(&mut self) {
        // SAFETY: owned, freed once. A scan borrows it mutably, so none is running.
        unsafe { hs::hs_free_scratch(self.pointer.as_ptr()) };
    }
}

impl RawScratch {
    /// Costs as much as reading the database once: the library computes its CRC.
    pub(crate) fn new(database: &RawDatabase) -> Result<Self, Status> {
        let mut scratch: *mut hs::hs_scratch = ptr::null_mut();
        // SAFETY: a live database; null asks for new memory.
        succeed(unsafe { hs::hs_alloc_scratch(database.pointer.as_ptr(), &raw mut scratch) })?;
        let pointer = NonNull::new(scratch).ok_or(Status(hs::HS_NOMEM))?;
        Ok(Self { pointer, database: database.id })
    }

    pub(crate) fn database(&self) -> u64 {
        self.database
    }

    /// Its memory, in bytes.
    pub(crate) fn size(&self) -> Result<usize, Status> {
        let mut size = 0;
        // SAFETY: live scratch memory and a place to write to.
        succeed(unsafe { hs::hs_scratch_size(self.pointer.as_ptr(), &raw mut size) })?;
        Ok(size)
    }
}

/// What the callback works with. It lives on the stack of `scan`.
struct Context<F> {
    on_match: F,
    stopped: bool,
    panic: Option<Box<dyn Any + Send>>,
}

/// Called by the library for every match. Anything but 0 stops the scan.
unsafe extern "C" fn on_event<F>(
    id: c_uint,
    _from: c_ulonglong,
    to: c_ulonglong,
    _flags: c_uint,
    context: *mut c_void,
) -> c_int
where
    F: FnMut(Match) -> ControlFlow<()>,
{
    // SAFETY: `scan` handed this pointer over with this very `F`, and touches the context only before and after the library's call. The
    // library calls back from the same thread, one call at a time.
    let context = unsafe { &mut *context.cast::<Context<F>>() };
    if context.stopped {
        return 1;
    }
    // A panic must not unwind through C. What the closure leaves half done is seen by nobody but its owner, whom the panic goes on to.
    let hit = Match { id, end: to as usize };
    match catch_unwind(AssertUnwindSafe(|| (context.on_match)(hit))) {
        Ok(ControlFlow::Continue(())) => return 0,
        Ok(ControlFlow::Break(())) => {}
        Err(panic) => context.panic = Some(panic),
    }
    context.stopped = true;
    1
}

/// Scans. A panic of `on_match` stops it and goes on from here.
pub(crate) fn scan<F>(
    database: &RawDatabase,
    scratch: &mut RawScratch,
    haystack: &[u8],
    on_match: F,
) -> Result<Outcome, Status>
where
    F: FnMut(Match) -> ControlFlow<()>,
{
    let length = c_uint::try_from(haystack.len()).map_err(|_| Status(hs::HS_INVALID))?;
    // The library itself hardly looks whether the two belong together, and writes past the end where they do not.
    if scratch.database != database.id {
        return Err(Status(hs::HS_INVALID));
    }
    let mut context = Context { on_match, stopped: false, panic: None };
    // SAFETY: a live database; its own scratch memory, which nobody else uses, as it is borrowed mutably; `length` bytes at a pointer that
    // is never null; and a callback with the context that it expects, which outlives the call.
    let status = unsafe {
        hs::hs_scan(
            database.pointer.as_ptr(),
            haystack.as_ptr().cast(),
            length,
            0,
            scratch.pointer.as_ptr(),
            Some(on_event::<F>),
            (&raw mut context).cast(),
        )
    };
    if let Some(panic) = context.panic {
        resume_unwind(panic);
    }
    match (status, context.stopped) {
        (SUCCESS | hs::HS_SCAN_TERMINATED, true) => Ok(Outcome::Stopped),
        (SUCCESS, false) => Ok(Outcome::Finished),
        _ => Err(Status(status)),
    }
}
