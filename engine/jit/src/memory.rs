//! Executable memory of one compiled program.
//!
//! Takes machine code and where its calls go, gives pages that are readable and executable until
//! they are dropped, never writable and executable at once. Calls nothing.
#![expect(unsafe_code, reason = "pages become executable")]

use memmap2::{Mmap, MmapMut};

/// Finished code in executable pages.
#[derive(Debug)]
pub(crate) struct CodeMemory {
    pages: Mmap,
}

/// A place in the code that names another function.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Patch {
    /// Byte offset in the code.
    pub(crate) at: usize,
    /// How the address is written.
    pub(crate) kind: PatchKind,
    /// What it names.
    pub(crate) to: PatchTarget,
    /// Added to the address.
    pub(crate) addend: i64,
}

/// How an address is written into code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PatchKind {
    /// Eight bytes, absolute.
    Abs8,
    /// Four bytes, relative to the place.
    Rel4,
    /// The low 26 bits of an aarch64 branch, in words, relative to the place.
    Arm64Call,
}

/// What a patch names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PatchTarget {
    /// A byte offset in the same code.
    Inside(usize),
    /// An address of this process.
    Address(usize),
}

impl CodeMemory {
    /// Copies `code` to fresh pages, writes the patches, makes the pages executable.
    pub(crate) fn new(code: &[u8], patches: &[Patch]) -> Result<Self, String> {
        let mut pages =
            MmapMut::map_anon(code.len().max(1)).map_err(|e| format!("no memory for code: {e}"))?;
        let base = pages.as_ptr() as usize;
        pages.get_mut(..code.len()).ok_or("the pages are too small")?.copy_from_slice(code);
        for patch in patches {
            write(&mut pages, base, *patch)?;
        }
        let pages =
            pages.make_exec().map_err(|e| format!("pages can't be made executable: {e}"))?;
        coherent(&pages);
        Ok(Self { pages })
    }

    /// The address of the code at byte `offset`.
    pub(crate) fn address(&self, offset: usize) -> usize {
        debug_assert!(offset < self.pages.len());
        self.pages.as_ptr() as usize + offset
    }
}

fn write(pages: &mut [u8], base: usize, patch: Patch) -> Result<(), String> {
    let target = match patch.to {
        PatchTarget::Inside(offset) => base + offset,
        PatchTarget::Address(address) => address,
    } as i64;
    let value = target.wrapping_add(patch.addend);
    let relative = value.wrapping_sub((base + patch.at) as i64);
    let far = || format!("a call at {} reaches too far", patch.at);
    match patch.kind {
        PatchKind::Abs8 => put(pages, patch.at, &value.to_le_bytes()),
        PatchKind::Rel4 => {
            let short = i32::try_from(relative).map_err(|_| far())?;
            put(pages, patch.at, &short.to_le_bytes())
        }
        PatchKind::Arm64Call => {
            let words =
                i32::try_from(relative >> 2).ok().filter(|w| (-(1 << 25)..1 << 25).contains(w));
            let words = words.ok_or_else(far)?;
            let old = pages
                .get(patch.at..patch.at + 4)
                .and_then(|b| b.try_into().ok())
                .map(u32::from_le_bytes);
            let old = old.ok_or("a patch lies outside the code")?;
            let new = old & !0x03ff_ffff | words as u32 & 0x03ff_ffff;
            put(pages, patch.at, &new.to_le_bytes())
        }
    }
}

fn put(pages: &mut [u8], at: usize, bytes: &[u8]) -> Result<(), String> {
    let place = pages.get_mut(at..at + bytes.len()).ok_or("a patch lies outside the code")?;
    place.copy_from_slice(bytes);
    Ok(())
}

/// Makes the processor fetch what was written. x86-64 does so by itself.
fn coherent(pages: &Mmap) {
    #[cfg(target_arch = "aarch64")]
    {
        use wasmtime_internal_jit_icache_coherence as icache;
        // SAFETY: the range is exactly the mapping, which is alive.
        let cleared = unsafe { icache::clear_cache(pages.as_ptr().cast(), pages.len()) };
        let flushed = icache::pipeline_flush_mt();
        debug_assert!(cleared.is_ok() && flushed.is_ok(), "instruction cache");
    }
    #[cfg(not(target_arch = "aarch64"))]
    debug_assert!(!pages.is_empty());
}

/// The code at `address` as a kernel.
///
/// # Safety
/// `address` is the entry of live code in a [`CodeMemory`] that was compiled with this signature.
pub(crate) unsafe fn kernel_at(address: usize) -> KernelFn {
    // SAFETY: by the caller's promise; a function pointer is as wide as an address.
    unsafe { std::mem::transmute::<*const (), KernelFn>(address as *const ()) }
}

/// The code at `address` as the entry that calls one closure.
///
/// # Safety
/// `address` is the entry of live code in a [`CodeMemory`] that was compiled with this signature.
pub(crate) unsafe fn task_at(address: usize) -> TaskFn {
    // SAFETY: by the caller's promise; a function pointer is as wide as an address.
    unsafe { std::mem::transmute::<*const (), TaskFn>(address as *const ()) }
}

/// A compiled kernel: `(ctx, frames) -> rendered`.
pub(crate) type KernelFn = unsafe extern "C" fn(*mut crate::code::RawCtx, u64) -> u64;

/// The compiled entry for tasks: `(ctx, closure)`.
pub(crate) type TaskFn = unsafe extern "C" fn(*mut crate::code::RawCtx, u64);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patches_are_written_and_checked() {
        let mut bytes = vec![0u8; 32];
        let rel = Patch { at: 4, kind: PatchKind::Rel4, to: PatchTarget::Inside(16), addend: -4 };
        write(&mut bytes, 0x1000, rel).unwrap();
        assert_eq!(bytes[4..8], 8i32.to_le_bytes());
        let abs = Patch {
            at: 8,
            kind: PatchKind::Abs8,
            to: PatchTarget::Address(0x1234_5678_9abc),
            addend: 0,
        };
        write(&mut bytes, 0x1000, abs).unwrap();
        assert_eq!(bytes[8..16], 0x1234_5678_9abc_u64.to_le_bytes());
        bytes[16..20].copy_from_slice(&0x9400_0000_u32.to_le_bytes());
        let arm =
            Patch { at: 16, kind: PatchKind::Arm64Call, to: PatchTarget::Inside(0), addend: 0 };
        write(&mut bytes, 0x1000, arm).unwrap();
        assert_eq!(bytes[16..20], 0x97ff_fffc_u32.to_le_bytes());
        let far =
            Patch { at: 0, kind: PatchKind::Rel4, to: PatchTarget::Address(1 << 40), addend: 0 };
        assert!(write(&mut bytes, 0x1000, far).is_err());
        assert!(write(&mut bytes, 0x1000, Patch { at: 30, ..abs }).is_err());
    }
}
