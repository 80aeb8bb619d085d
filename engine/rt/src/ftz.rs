//! The floating-point mode that all evaluators share, and the processor's cycle counter.
//!
//! [`Guard`] sets round to nearest, all exceptions masked, denormal results and operands to zero,
//! and puts the former mode back when dropped. By assembly, because the intrinsics for the mode
//! register are deprecated. [`ticks`] reads a counter without calling the system.
#![expect(unsafe_code, reason = "the mode register is reached by assembly only")]

use std::marker::PhantomData;

/// The mode held on x86-64: exceptions masked, nearest, flush-to-zero, denormals-are-zero.
pub const MXCSR: u32 = 0x9FC0;

/// The mode held on aarch64: flush-to-zero, nearest, no traps.
pub const FPCR: u64 = 1 << 24;

/// Holds the floating-point mode of this thread while it lives. Not `Send`: the mode is a thread's.
///
/// ```
/// use std::hint::black_box;
/// let tiny = black_box(f64::MIN_POSITIVE);
/// assert!(black_box(tiny / 2.0) > 0.0);
/// let guard = attacca_rt::ftz::Guard::new();
/// # #[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
/// assert_eq!(black_box(black_box(tiny) / 2.0), 0.0);
/// drop(guard);
/// ```
#[derive(Debug)]
#[must_use = "the mode is put back when the guard is dropped"]
pub struct Guard {
    former: u64,
    thread: PhantomData<*const ()>,
}

impl Guard {
    /// Saves the mode of this thread and sets ours. Guards may be nested.
    #[inline]
    pub fn new() -> Self {
        let former = read();
        write(ours(former));
        Self { former, thread: PhantomData }
    }
}

impl Default for Guard {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for Guard {
    #[inline]
    fn drop(&mut self) {
        write(self.former);
    }
}

/// Whether this thread is in our mode; true on processors where the guard does nothing.
pub fn held() -> bool {
    let mode = read();
    // The low six bits of MXCSR are sticky exception flags, not mode.
    mode & !0x3f == ours(mode) & !0x3f
}

#[cfg(target_arch = "x86_64")]
fn ours(_former: u64) -> u64 {
    u64::from(MXCSR)
}

#[cfg(target_arch = "x86_64")]
#[inline]
fn read() -> u64 {
    let mut mode = 0u32;
    // SAFETY: stores the 32-bit mode register to a local of that size; SSE is part of x86-64.
    unsafe {
        std::arch::asm!("stmxcsr [{}]", in(reg) &raw mut mode, options(nostack, preserves_flags))
    };
    u64::from(mode)
}

#[cfg(target_arch = "x86_64")]
#[inline]
fn write(mode: u64) {
    let mode = mode as u32;
    // SAFETY: the value is either our constant, whose reserved bits are 0, or one read before.
    // The former mode comes back when the guard drops, so Rust code outside never sees ours.
    unsafe {
        std::arch::asm!("ldmxcsr [{}]", in(reg) &raw const mode, options(nostack, preserves_flags))
    };
}

#[cfg(target_arch = "aarch64")]
fn ours(_former: u64) -> u64 {
    FPCR
}

#[cfg(target_arch = "aarch64")]
#[inline]
fn read() -> u64 {
    let mode: u64;
    // SAFETY: reads a register that user code may read.
    unsafe {
        std::arch::asm!("mrs {}, fpcr", out(reg) mode, options(nomem, nostack, preserves_flags))
    };
    mode
}

#[cfg(target_arch = "aarch64")]
#[inline]
fn write(mode: u64) {
    // SAFETY: writes a register that user code may write, with our constant or a value read before.
    unsafe { std::arch::asm!("msr fpcr, {}", in(reg) mode, options(nostack, preserves_flags)) };
}

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
fn ours(former: u64) -> u64 {
    former
}

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
fn read() -> u64 {
    0
}

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
fn write(_mode: u64) {}

/// A counter that goes up at a constant rate, in units of its own; 0 where there is none.
///
/// Unlike the clocks of `std` it can never become a system call. The control side finds the rate
/// by reading it twice with a known time between.
#[inline]
pub fn ticks() -> u64 {
    #[cfg(target_arch = "x86_64")]
    {
        // SAFETY: every x86-64 processor has the instruction; systems leave it to user code.
        unsafe { std::arch::x86_64::_rdtsc() }
    }
    #[cfg(target_arch = "aarch64")]
    {
        let count: u64;
        // SAFETY: reads the virtual counter, which systems leave to user code.
        unsafe { std::arch::asm!("mrs {}, cntvct_el0", out(reg) count, options(nomem, nostack)) };
        count
    }
    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
    {
        0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::hint::black_box;

    #[test]
    fn guards_nest_and_put_the_mode_back() {
        let before = read();
        let outer = Guard::new();
        assert!(held());
        let inner = Guard::new();
        drop(inner);
        assert!(held());
        assert_eq!(black_box(black_box(f64::MIN_POSITIVE) * 0.5), 0.0);
        assert_eq!(black_box(black_box(f64::from_bits(1)) * 1e300), 0.0);
        drop(outer);
        assert_eq!(read() & !0x3f, before & !0x3f);
        assert!(black_box(black_box(f64::MIN_POSITIVE) * 0.5) > 0.0);
    }

    #[test]
    fn ticks_go_up() {
        let first = ticks();
        std::thread::sleep(std::time::Duration::from_millis(1));
        assert!(ticks() > first);
    }
}
