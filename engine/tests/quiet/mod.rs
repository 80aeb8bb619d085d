//! What catches an audio thread that allocates or calls the system: an allocator that ends the process
//! for armed threads, and, on Linux, a seccomp filter for the thread of a child process.
//!
//! A part of each test binary that needs it.
#![expect(unsafe_code, reason = "a global allocator and a signal handler are unsafe to write")]
#![allow(missing_docs, unreachable_pub, dead_code, reason = "each binary uses its part of it")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

thread_local! {
    /// Whether this thread may neither allocate nor free.
    pub static ARMED: Cell<bool> = const { Cell::new(false) };
}

/// Ends the process when a thread that is armed allocates or frees.
struct Aborting;

impl Aborting {
    fn check(what: &str) {
        if ARMED.get() {
            ARMED.set(false);
            eprintln!("the audio thread {what}:\n{}", std::backtrace::Backtrace::force_capture());
            std::process::abort();
        }
    }
}

// SAFETY: hands everything on to the system's allocator, unchanged.
unsafe impl GlobalAlloc for Aborting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        Self::check("allocated");
        // SAFETY: the caller's promise, handed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        Self::check("freed");
        // SAFETY: the caller's promise, handed on.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        Self::check("reallocated");
        // SAFETY: the caller's promise, handed on.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Aborting = Aborting;

/// Tells a child process what it is for.
pub const ROLE: &str = "ATTACCA_TEST_ROLE";

/// Whether this process is the child made for `role`.
pub fn is_child(role: &str) -> bool {
    std::env::var(ROLE).is_ok_and(|value| value == role)
}

#[cfg(target_os = "linux")]
pub mod seccomp {
    //! Every system call of an armed thread is trapped and kept.

    use super::ROLE;
    use seccompiler::{BpfProgram, SeccompAction, SeccompFilter};
    use std::process::{Command, Output};
    use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

    /// The first trapped call; -1 is none.
    pub static TRAPPED: AtomicI64 = AtomicI64::new(-1);

    /// Set when the audio thread has played everything.
    pub static PLAYED_ALL: AtomicBool = AtomicBool::new(false);

    extern "C" fn trapped(_: libc::c_int, info: *mut libc::siginfo_t, _: *mut libc::c_void) {
        // SAFETY: the kernel passes a valid siginfo; for SIGSYS, `si_syscall` stands 24 bytes in
        // (three ints, padding, and the address of the call).
        let number = unsafe { *info.cast::<u8>().add(24).cast::<libc::c_int>() };
        let call = i64::from(number);
        if TRAPPED.load(Ordering::SeqCst) < 0 {
            TRAPPED.store(call, Ordering::SeqCst);
        }
    }

    /// Traps every system call of this thread but the return from the handler and the end.
    pub fn arm() {
        // SAFETY: a zeroed sigaction is valid; the handler touches one atomic only.
        let set = unsafe {
            let mut action: libc::sigaction = std::mem::zeroed();
            action.sa_sigaction = trapped as *const () as usize;
            action.sa_flags = libc::SA_SIGINFO;
            libc::sigaction(libc::SIGSYS, &raw const action, std::ptr::null_mut())
        };
        assert_eq!(set, 0);
        let allowed = [libc::SYS_rt_sigreturn, libc::SYS_exit, libc::SYS_exit_group];
        let rules = allowed.into_iter().map(|call| (call, vec![])).collect();
        let arch = std::env::consts::ARCH.try_into().expect("a known processor");
        let filter = SeccompFilter::new(rules, SeccompAction::Trap, SeccompAction::Allow, arch);
        let program: BpfProgram = filter.expect("a filter").try_into().expect("a program");
        seccompiler::apply_filter(&program).expect("the filter is applied");
    }

    /// Waits for the end of the process: ending the thread would call the system.
    pub fn done() {
        PLAYED_ALL.store(true, Ordering::SeqCst);
        loop {
            std::hint::spin_loop();
        }
    }

    pub fn child(test: &str, role: &str) -> Output {
        Command::new(std::env::current_exe().expect("this test's file"))
            .args(["--exact", test, "--nocapture", "--test-threads=1"])
            .env(ROLE, role)
            .output()
            .expect("a child process")
    }

    /// Lets `play` run on an armed thread, then ends the process, saying which call there was.
    /// What `play` holds is never dropped: that would call the system.
    pub fn run(mut play: impl FnMut() + Send + 'static) -> ! {
        std::thread::spawn(move || {
            arm();
            play();
            done();
        });
        while !PLAYED_ALL.load(Ordering::SeqCst) {
            std::thread::yield_now();
        }
        let call = TRAPPED.load(Ordering::SeqCst);
        println!(
            "{}",
            if call < 0 { "no system call".into() } else { format!("system call {call}") }
        );
        std::process::exit(i32::from(call >= 0));
    }
}
