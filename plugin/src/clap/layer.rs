//! Our CLAP layer around nice-plug's wrapper.
//!
//! The host gets a pointer to a [`Layer`], whose first field is a `clap_plugin` with nice-plug's data
//! pointer in it. nice-plug looks at nothing else of that pointer, so every function that we don't
//! override is nice-plug's own, `process` among them (test builds watch over it). The layer adds: parameter names that change
//! with the program, marking the project dirty, a state load that survives anything, values that
//! follow their names, the private document extension, and the hint for the VST3 wrapper.
//! It never calls the host while a lock is held, and does nothing on the audio thread.

#![expect(unsafe_code, reason = "the CLAP ABI: callbacks and structs of raw pointers")]

use super::document_ext::{
    DOCUMENT_EXTENSION, DOCUMENT_FAULTED, DOCUMENT_PLAYING, DOCUMENT_SILENT, DocumentExtension,
    DocumentStatus,
};
use super::session_ext::{SESSION_EXTENSION, SessionExtension};
use crate::document::read_state;
use crate::shared::{AudioState, HostLink, REQUEST_DIRTY, REQUEST_INFO, REQUEST_VALUES, Shared};
use crate::slots::{Move, SLOTS};
use clap_sys::ext::gui::{CLAP_EXT_GUI, clap_plugin_gui};
use clap_sys::ext::params::{
    CLAP_EXT_PARAMS, CLAP_PARAM_IS_HIDDEN, CLAP_PARAM_RESCAN_ALL, CLAP_PARAM_RESCAN_INFO,
    CLAP_PARAM_RESCAN_TEXT, CLAP_PARAM_RESCAN_VALUES, clap_host_params, clap_param_info,
    clap_plugin_params,
};
use clap_sys::ext::state::{CLAP_EXT_STATE, clap_host_state, clap_plugin_state};
use clap_sys::host::clap_host;
use clap_sys::plugin::clap_plugin;
use clap_sys::stream::{clap_istream, clap_ostream};
use nice_plug::plugin::ParamValue;
use nice_plug::prelude::{ClapPlugin, PluginState};
use nice_plug::wrapper::clap::Wrapper;
use std::ffi::{CStr, c_char, c_void};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

/// Longest state that is read, in bytes.
const LONGEST_STATE: usize = 64 << 20;

/// What clap-wrapper calls itself when it hosts us inside a VST3.
const VST3_WRAPPER: &CStr = c"The CLAP Wrapper Team";

/// The VST3 hint for a plugin instance; the layout is clap-wrapper's.
#[repr(C)]
struct AsVst3 {
    midi_channels: unsafe extern "C" fn(*const clap_plugin, u32) -> u32,
    note_expressions: unsafe extern "C" fn(*const clap_plugin) -> u32,
}

const EXT_AS_VST3: &CStr = c"clap.plugin-info-as-vst3/0";

static AS_VST3: AsVst3 = AsVst3 { midi_channels, note_expressions };

static DOCUMENT: DocumentExtension = DocumentExtension {
    set_text: Some(set_text),
    get_text: Some(get_text),
    get_status: Some(get_status),
};

static SESSION: SessionExtension = SessionExtension {
    run_again: Some(run_again),
    record: Some(record),
    save_recording: Some(save_recording),
    saved_recording: Some(saved_recording),
};

static STATE: clap_plugin_state =
    clap_plugin_state { save: Some(state_save), load: Some(state_load) };

/// Sets parameter values on the main thread.
type SetValues = Box<dyn Fn(&[Move])>;

/// One instance as the host sees it.
#[repr(C)]
struct Layer {
    /// What the host calls. Must stay first: the host's pointer is a pointer to this struct.
    plugin: clap_plugin,
    /// nice-plug's own functions.
    inner: clap_plugin,
    host: *const clap_host,
    /// The host is clap-wrapper, that is: we are a VST3.
    vst3: bool,
    active: AtomicBool,
    shared: Arc<Shared>,
    /// Sets parameter values through nice-plug and tells the host.
    set_values: SetValues,
    /// nice-plug's parameter functions with ours in their place; known from `init` on.
    params: OnceLock<clap_plugin_params>,
}

/// A host that can be asked for a callback from any thread.
struct Link(*const clap_host);

// SAFETY: CLAP declares `request_callback` thread-safe, and the pointer is used for nothing else.
// The link is cut in `destroy`, before the host may free what it points to.
unsafe impl Send for Link {}

impl HostLink for Link {
    fn call_me(&self) {
        // SAFETY: the host keeps `clap_host` alive until `destroy` returns; the link is cut there.
        if let Some(request) = unsafe { (*self.0).request_callback } {
            // SAFETY: as above; thread-safe by CLAP's rules.
            unsafe { request(self.0) };
        }
    }
}

/// Makes an instance of `P` for `host`; null if that fails.
///
/// # Safety
/// `host` points to a host that outlives the instance, as CLAP's `create_plugin` demands.
pub(super) unsafe fn create<P: ClapPlugin>(host: *const clap_host) -> *const clap_plugin {
    let made = std::panic::catch_unwind(|| {
        // SAFETY: the caller's promise about `host`.
        let wrapper = unsafe { Wrapper::<P>::new(host) };
        crate::take_newest().map(|shared| (wrapper, shared))
    });
    let Ok(Some((wrapper, shared))) = made else { return std::ptr::null() };
    let inner = *wrapper.clap_plugin.borrow();
    let weak = Arc::downgrade(&wrapper);
    let set_values = Box::new(move |moves: &[Move]| {
        if let Some(wrapper) = weak.upgrade() {
            wrapper.set_state_inner(&mut values_only(moves));
        }
    });
    // nice-plug's `destroy` takes this count back.
    let _data: *const Wrapper<P> = Arc::into_raw(wrapper);
    // SAFETY: `host` is valid, and `vendor` is null or a string by CLAP's rules.
    let vst3 =
        unsafe { !(*host).vendor.is_null() && CStr::from_ptr((*host).vendor) == VST3_WRAPPER };
    shared.set_link(Some(Box::new(Link(host))));
    let layer = Box::new(Layer {
        plugin: clap_plugin {
            init: Some(init),
            destroy: Some(destroy),
            activate: Some(activate),
            deactivate: Some(deactivate),
            reset: Some(reset),
            #[cfg(debug_assertions)]
            process: Some(process),
            get_extension: Some(get_extension),
            on_main_thread: Some(on_main_thread),
            ..inner
        },
        inner,
        host,
        vst3,
        active: AtomicBool::new(false),
        shared,
        set_values,
        params: OnceLock::new(),
    });
    Box::into_raw(layer).cast()
}

fn values_only(moves: &[Move]) -> PluginState {
    let value = |change: &Move| (format!("v_{}", change.slot + 1), ParamValue::F32(change.value));
    PluginState {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        params: moves.iter().map(value).collect(),
        fields: std::collections::BTreeMap::new(),
    }
}

/// The layer behind the host's pointer.
///
/// # Safety
/// `plugin` came from [`create`] and has not been destroyed.
unsafe fn layer<'a>(plugin: *const clap_plugin) -> &'a Layer {
    // SAFETY: `create` gave out a pointer to a boxed `Layer`, whose first field is the `clap_plugin`.
    unsafe { &*plugin.cast::<Layer>() }
}

impl Layer {
    /// An extension of the host, or null.
    fn host_extension<T>(&self, id: &CStr) -> *const T {
        // SAFETY: the host outlives the layer; extensions may be asked for from `init` on, and this is
        // called from there on only.
        unsafe {
            match (*self.host).get_extension {
                Some(get) => get(self.host, id.as_ptr()).cast(),
                None => std::ptr::null(),
            }
        }
    }

    /// Has the host read names and texts again. Main thread, no lock held.
    fn rescan(&self) {
        let mut flags = CLAP_PARAM_RESCAN_INFO | CLAP_PARAM_RESCAN_TEXT;
        if self.vst3 && !self.active.load(Ordering::Acquire) {
            // clap-wrapper rebuilds titles and defaults only so; while active it would free what the
            // audio thread uses.
            flags |= CLAP_PARAM_RESCAN_ALL | CLAP_PARAM_RESCAN_VALUES;
        }
        let params =
            self.host_extension::<clap_host_params>(clap_sys::ext::params::CLAP_EXT_PARAMS);
        // SAFETY: a non-null extension pointer stays valid as long as the host.
        if let Some(rescan) = unsafe { params.as_ref() }.and_then(|params| params.rescan) {
            // SAFETY: called on the main thread, with the host's own pointer.
            unsafe { rescan(self.host, flags) };
        }
    }

    /// Tells the host that the project has changed. Main thread, no lock held.
    fn mark_dirty(&self) {
        let state = self.host_extension::<clap_host_state>(CLAP_EXT_STATE);
        // SAFETY: as in `rescan`.
        if let Some(mark) = unsafe { state.as_ref() }.and_then(|state| state.mark_dirty) {
            // SAFETY: as in `rescan`.
            unsafe { mark(self.host) };
        }
    }

    /// nice-plug's own extension, as it gave it.
    fn inner_pointer(&self, id: &CStr) -> *const c_void {
        match self.inner.get_extension {
            // SAFETY: nice-plug reads only `plugin_data` of the pointer, which `plugin` shares.
            Some(get) => unsafe { get(&raw const self.plugin, id.as_ptr()) },
            None => std::ptr::null(),
        }
    }

    /// nice-plug's parameter functions.
    fn inner_params(&self) -> Option<&clap_plugin_params> {
        // SAFETY: the id says what the pointer leads to; it lives as long as nice-plug's wrapper.
        unsafe { self.inner_pointer(CLAP_EXT_PARAMS).cast::<clap_plugin_params>().as_ref() }
    }

    /// nice-plug's state functions.
    fn inner_state(&self) -> Option<&clap_plugin_state> {
        // SAFETY: as in `inner_params`.
        unsafe { self.inner_pointer(CLAP_EXT_STATE).cast::<clap_plugin_state>().as_ref() }
    }

    /// nice-plug's window functions.
    fn inner_gui(&self) -> Option<&clap_plugin_gui> {
        // SAFETY: as in `inner_params`.
        unsafe { self.inner_pointer(CLAP_EXT_GUI).cast::<clap_plugin_gui>().as_ref() }
    }
}

unsafe extern "C" fn init(plugin: *const clap_plugin) -> bool {
    // SAFETY: the host passes the pointer that `create` gave it.
    let layer = unsafe { layer(plugin) };
    // SAFETY: forwarded under the host's own contract.
    let done = layer.inner.init.is_some_and(|init| unsafe { init(plugin) });
    if let Some(params) = layer.inner_params() {
        layer
            .params
            .get_or_init(|| clap_plugin_params { get_info: Some(params_get_info), ..*params });
    }
    done
}

unsafe extern "C" fn destroy(plugin: *const clap_plugin) {
    // SAFETY: `create` made the box; the host calls `destroy` once and uses the pointer no more.
    let layer = unsafe { Box::from_raw(plugin.cast_mut().cast::<Layer>()) };
    layer.shared.set_link(None);
    // A window left open would keep nice-plug's wrapper, and with it the worker, alive.
    if let Some(close) = layer.inner_gui().and_then(|gui| gui.destroy) {
        // SAFETY: main thread, as `destroy` is; closing a closed window does nothing.
        unsafe { close(&raw const layer.plugin) };
    }
    if let Some(destroy) = layer.inner.destroy {
        // SAFETY: forwarded once; it frees nice-plug's wrapper and joins the worker.
        unsafe { destroy(&raw const layer.plugin) };
    }
}

unsafe extern "C" fn activate(plugin: *const clap_plugin, rate: f64, min: u32, max: u32) -> bool {
    // SAFETY: the host passes the pointer that `create` gave it.
    let layer = unsafe { layer(plugin) };
    layer.active.store(true, Ordering::Release);
    // SAFETY: forwarded under the host's own contract.
    let done =
        layer.inner.activate.is_some_and(|activate| unsafe { activate(plugin, rate, min, max) });
    layer.active.store(done, Ordering::Release);
    done
}

unsafe extern "C" fn deactivate(plugin: *const clap_plugin) {
    // SAFETY: the host passes the pointer that `create` gave it.
    let layer = unsafe { layer(plugin) };
    if let Some(deactivate) = layer.inner.deactivate {
        // SAFETY: forwarded under the host's own contract.
        unsafe { deactivate(plugin) };
    }
    layer.active.store(false, Ordering::Release);
}

/// A reset that the host means; the one that clap-wrapper sends at every stop of a VST3 is no reason
/// to cut a sound.
unsafe extern "C" fn reset(plugin: *const clap_plugin) {
    // SAFETY: the host passes the pointer that `create` gave it.
    let layer = unsafe { layer(plugin) };
    if !layer.vst3 {
        layer.shared.meter.reset.store(true, Ordering::Relaxed);
        layer.shared.meter.fresh.store(true, Ordering::Release);
    }
    if let Some(reset) = layer.inner.reset {
        // SAFETY: forwarded under the host's own contract.
        unsafe { reset(plugin) };
    }
}

/// nice-plug's `process`, which may neither allocate nor free.
#[cfg(debug_assertions)]
unsafe extern "C" fn process(
    plugin: *const clap_plugin,
    block: *const clap_sys::process::clap_process,
) -> clap_sys::process::clap_process_status {
    // SAFETY: the host passes the pointer that `create` gave it.
    let layer = unsafe { layer(plugin) };
    let _armed = super::quiet::arm();
    match layer.inner.process {
        // SAFETY: forwarded under the host's own contract.
        Some(process) => unsafe { process(plugin, block) },
        None => clap_sys::process::CLAP_PROCESS_ERROR,
    }
}

unsafe extern "C" fn on_main_thread(plugin: *const clap_plugin) {
    // SAFETY: the host passes the pointer that `create` gave it.
    let layer = unsafe { layer(plugin) };
    if let Some(inner) = layer.inner.on_main_thread {
        // SAFETY: forwarded under the host's own contract.
        unsafe { inner(plugin) };
    }
    let requests = layer.shared.take_requests();
    if requests & REQUEST_INFO != 0 {
        layer.rescan();
    }
    if requests & REQUEST_VALUES != 0 {
        (layer.set_values)(&layer.shared.take_moves());
    }
    if requests & REQUEST_DIRTY != 0 {
        layer.mark_dirty();
    }
}

unsafe extern "C" fn get_extension(plugin: *const clap_plugin, id: *const c_char) -> *const c_void {
    if id.is_null() {
        return std::ptr::null();
    }
    // SAFETY: the host passes the pointer that `create` gave it, and a string.
    let (layer, id) = unsafe { (layer(plugin), CStr::from_ptr(id)) };
    if id == DOCUMENT_EXTENSION {
        return (&raw const DOCUMENT).cast();
    }
    if id == SESSION_EXTENSION {
        return (&raw const SESSION).cast();
    }
    if id == EXT_AS_VST3 {
        return (&raw const AS_VST3).cast();
    }
    if id == CLAP_EXT_STATE {
        return (&raw const STATE).cast();
    }
    if id == CLAP_EXT_PARAMS
        && let Some(params) = layer.params.get()
    {
        return std::ptr::from_ref(params).cast();
    }
    // nice-plug assumes that a host which opens windows has the extension for them.
    if id == CLAP_EXT_GUI && layer.host_extension::<c_void>(CLAP_EXT_GUI).is_null() {
        return std::ptr::null();
    }
    layer.inner_pointer(id)
}

unsafe extern "C" fn midi_channels(_plugin: *const clap_plugin, _port: u32) -> u32 {
    1
}

unsafe extern "C" fn note_expressions(_plugin: *const clap_plugin) -> u32 {
    0
}

unsafe extern "C" fn params_get_info(
    plugin: *const clap_plugin,
    index: u32,
    info: *mut clap_param_info,
) -> bool {
    // SAFETY: the host passes the pointer that `create` gave it.
    let layer = unsafe { layer(plugin) };
    // nice-plug panics at an index equal to the count.
    let slot = index as usize;
    if slot >= SLOTS || info.is_null() {
        return false;
    }
    let inner = layer.inner_params();
    let Some(get_info) = inner.and_then(|params| params.get_info) else { return false };
    // SAFETY: forwarded under the host's own contract.
    if !unsafe { get_info(plugin, index, info) } {
        return false;
    }
    // SAFETY: `info` is not null, and nice-plug has just filled it.
    let info = unsafe { &mut *info };
    write_text(&mut info.name, &layer.shared.slots.name(slot));
    let used = layer.shared.slots.is_used(slot);
    write_text(&mut info.module, if used { "Controls" } else { "Empty slots" });
    if !used && !layer.vst3 {
        info.flags |= CLAP_PARAM_IS_HIDDEN;
    }
    true
}

/// Writes as much of a text as fits, whole characters only, and a zero.
fn write_text(field: &mut [c_char], text: &str) {
    let room = field.len().saturating_sub(1);
    let length =
        (0..=room.min(text.len())).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
    field.fill(0);
    for (to, from) in field.iter_mut().zip(&text.as_bytes()[..length]) {
        *to = from.cast_signed() as c_char;
    }
}

unsafe extern "C" fn state_save(plugin: *const clap_plugin, stream: *const clap_ostream) -> bool {
    // SAFETY: the host passes the pointer that `create` gave it.
    let layer = unsafe { layer(plugin) };
    let inner = layer.inner_state();
    // SAFETY: forwarded under the host's own contract.
    inner.and_then(|state| state.save).is_some_and(|save| unsafe { save(plugin, stream) })
}

unsafe extern "C" fn state_load(plugin: *const clap_plugin, stream: *const clap_istream) -> bool {
    if stream.is_null() {
        return false;
    }
    // SAFETY: the host passes the pointer that `create` gave it, and a stream.
    let (layer, bytes) = unsafe { (layer(plugin), read_stream(stream)) };
    let loaded = read_state(&bytes);
    let values: Vec<Move> =
        loaded.values.iter().map(|&(slot, value)| Move { slot, value }).collect();
    let taken = layer.shared.load(loaded);
    if taken {
        (layer.set_values)(&values);
        layer.rescan();
    }
    taken
}

/// All bytes of a stream, at most [`LONGEST_STATE`]; what came before an error counts.
///
/// # Safety
/// `stream` is a valid CLAP stream.
unsafe fn read_stream(stream: *const clap_istream) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut part = vec![0u8; 1 << 16];
    // SAFETY: the caller's promise.
    let Some(read) = (unsafe { (*stream).read }) else { return bytes };
    while bytes.len() < LONGEST_STATE {
        // SAFETY: the buffer is as long as it says.
        let count = unsafe { read(stream, part.as_mut_ptr().cast(), part.len() as u64) };
        match usize::try_from(count) {
            Ok(count @ 1..) => bytes.extend_from_slice(&part[..count.min(part.len())]),
            Ok(0) | Err(_) => break,
        }
    }
    bytes
}

unsafe extern "C" fn set_text(
    plugin: *const clap_plugin,
    text: *const c_char,
    length: u32,
) -> bool {
    if text.is_null() {
        return false;
    }
    // SAFETY: the extension's contract: `length` bytes at `text`, and the pointer that `create` gave.
    let (layer, bytes) =
        unsafe { (layer(plugin), std::slice::from_raw_parts(text.cast::<u8>(), length as usize)) };
    match std::str::from_utf8(bytes) {
        Ok(text) => {
            layer.shared.replace(text);
            true
        }
        Err(_) => false,
    }
}

unsafe extern "C" fn get_text(
    plugin: *const clap_plugin,
    buffer: *mut c_char,
    capacity: u32,
) -> u32 {
    // SAFETY: the host passes the pointer that `create` gave it.
    let text = unsafe { layer(plugin) }.shared.text();
    // SAFETY: the extension's contract.
    unsafe { copy_text(&text, buffer, capacity) }
}

/// Copies as many bytes of a text as fit; gives its whole length.
///
/// # Safety
/// `buffer` is null or has room for `capacity` bytes.
unsafe fn copy_text(text: &str, buffer: *mut c_char, capacity: u32) -> u32 {
    if !buffer.is_null() {
        let count = text.len().min(capacity as usize);
        // SAFETY: the caller's promise; source and target don't overlap.
        unsafe { std::ptr::copy_nonoverlapping(text.as_ptr(), buffer.cast::<u8>(), count) };
    }
    u32::try_from(text.len()).unwrap_or(u32::MAX)
}

unsafe extern "C" fn run_again(plugin: *const clap_plugin) {
    // SAFETY: the host passes the pointer that `create` gave it.
    unsafe { layer(plugin) }.shared.run_again();
}

unsafe extern "C" fn record(plugin: *const clap_plugin, on: bool) {
    // SAFETY: the host passes the pointer that `create` gave it.
    unsafe { layer(plugin) }.shared.set_record(on);
}

unsafe extern "C" fn save_recording(plugin: *const clap_plugin) {
    // SAFETY: the host passes the pointer that `create` gave it.
    unsafe { layer(plugin) }.shared.save_recording();
}

unsafe extern "C" fn saved_recording(
    plugin: *const clap_plugin,
    buffer: *mut c_char,
    capacity: u32,
) -> u32 {
    // SAFETY: the host passes the pointer that `create` gave it.
    let path = unsafe { layer(plugin) }.shared.console().tape.saved;
    // SAFETY: the extension's contract.
    unsafe { copy_text(&path, buffer, capacity) }
}

unsafe extern "C" fn get_status(plugin: *const clap_plugin, status: *mut DocumentStatus) -> bool {
    if status.is_null() {
        return false;
    }
    // SAFETY: the host passes the pointer that `create` gave it.
    let shared = &unsafe { layer(plugin) }.shared;
    let console = shared.console();
    let (errors, first) = shared.first_message();
    let [kept, fresh, dropped] = console.plan;
    let mut filled = DocumentStatus {
        state: match shared.playing() {
            AudioState::Idle => DOCUMENT_SILENT,
            AudioState::Playing => DOCUMENT_PLAYING,
            AudioState::Faulted => DOCUMENT_FAULTED,
        },
        compiling: shared.is_compiling().into(),
        compiles: console.compiles,
        swaps: console.swaps,
        accepted: console.accepted.into(),
        errors,
        compile_ms: console.compile_ms.unwrap_or(0.0),
        swap_us: console.swap_us.unwrap_or(0.0),
        load: f64::from(shared.meter.load()),
        kept,
        fresh,
        dropped,
        line: first.as_ref().map_or(0, |message| message.line),
        plan: [0; 512],
        message: [0; 512],
    };
    write_text(&mut filled.plan, &console.plan_text);
    write_text(&mut filled.message, first.as_ref().map_or("", |message| &message.text));
    // SAFETY: not null, and the extension's contract: room for one `DocumentStatus`.
    unsafe { status.write(filled) };
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_cut_between_characters() {
        let mut field = [1 as c_char; 5];
        write_text(&mut field, "aäöü");
        assert_eq!(field.map(|c| c as u8), [b'a', 0xc3, 0xa4, 0, 0]);
    }
}
