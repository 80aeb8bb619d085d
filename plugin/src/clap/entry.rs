//! The library's CLAP entry point and its two factories.
//!
//! `clap_entry` is what a CLAP host, and clap-wrapper inside a VST3, look for. One factory makes the
//! plugins, the other tells clap-wrapper the VST3 class ids, which never change.

#![expect(
    unsafe_code,
    reason = "the CLAP ABI: exported symbol, callbacks and structs of raw pointers"
)]

use super::layer;
use crate::{Effect, Instrument};
use clap_sys::entry::clap_plugin_entry;
use clap_sys::factory::plugin_factory::{CLAP_PLUGIN_FACTORY_ID, clap_plugin_factory};
use clap_sys::host::clap_host;
use clap_sys::plugin::{clap_plugin, clap_plugin_descriptor};
use clap_sys::version::CLAP_VERSION;
use nice_plug::prelude::ClapPlugin;
use nice_plug::wrapper::clap::PluginDescriptor;
use std::ffi::{CStr, c_char, c_void};
use std::sync::OnceLock;

/// What a host looks for in the library.
#[unsafe(no_mangle)]
#[used]
pub static clap_entry: clap_plugin_entry = clap_plugin_entry {
    clap_version: CLAP_VERSION,
    init: Some(init),
    deinit: Some(deinit),
    get_factory: Some(get_factory),
};

/// One plugin of the library.
struct Registered {
    describe: fn() -> PluginDescriptor,
    create: unsafe fn(*const clap_host) -> *const clap_plugin,
}

impl Registered {
    const fn of<P: ClapPlugin>() -> Registered {
        Registered { describe: PluginDescriptor::for_plugin::<P>, create: layer::create::<P> }
    }
}

/// All plugins, in the order that hosts list them.
static PLUGINS: [Registered; 2] = [Registered::of::<Effect>(), Registered::of::<Instrument>()];

static DESCRIPTORS: OnceLock<[PluginDescriptor; 2]> = OnceLock::new();

fn descriptors() -> &'static [PluginDescriptor; 2] {
    DESCRIPTORS.get_or_init(|| PLUGINS.each_ref().map(|plugin| (plugin.describe)()))
}

static FACTORY: clap_plugin_factory = clap_plugin_factory {
    get_plugin_count: Some(plugin_count),
    get_plugin_descriptor: Some(plugin_descriptor),
    create_plugin: Some(create_plugin),
};

/// What clap-wrapper wants to know of one class; the layout is clap-wrapper's.
#[repr(C)]
struct ClassInfo {
    vendor: *const c_char,
    component_id: *const [u8; 16],
    features: *const c_char,
}

/// clap-wrapper's factory for VST3 facts; the layout is clap-wrapper's.
#[repr(C)]
struct Vst3Factory {
    vendor: *const c_char,
    vendor_url: *const c_char,
    email: *const c_char,
    class_info: unsafe extern "C" fn(*const Vst3Factory, u32) -> *const ClassInfo,
}

/// Constant data behind raw pointers.
#[repr(transparent)]
struct Constant<T>(T);

// SAFETY: the pointers inside lead to constants; nothing writes through them.
unsafe impl<T> Sync for Constant<T> {}

const FACTORY_AS_VST3: &CStr = c"clap.plugin-factory-info-as-vst3/0";

static VST3_FACTORY: Constant<Vst3Factory> = Constant(Vst3Factory {
    vendor: c"Attacca".as_ptr(),
    vendor_url: c"".as_ptr(),
    email: c"".as_ptr(),
    class_info,
});

/// VST3 class ids and subcategories, in the order of [`PLUGINS`].
static CLASSES: Constant<[ClassInfo; 2]> =
    Constant([class(b"AttaccaAudioFx_1", c"Fx"), class(b"AttaccaAudioSyn1", c"Instrument|Synth")]);

const fn class(id: &'static [u8; 16], features: &'static CStr) -> ClassInfo {
    ClassInfo { vendor: std::ptr::null(), component_id: id, features: features.as_ptr() }
}

unsafe extern "C" fn init(_path: *const c_char) -> bool {
    nice_plug::wrapper::setup_logger::<Effect>();
    true
}

unsafe extern "C" fn deinit() {}

unsafe extern "C" fn get_factory(id: *const c_char) -> *const c_void {
    if id.is_null() {
        return std::ptr::null();
    }
    // SAFETY: not null, and a string by CLAP's rules.
    let id = unsafe { CStr::from_ptr(id) };
    if id == CLAP_PLUGIN_FACTORY_ID {
        (&raw const FACTORY).cast()
    } else if id == FACTORY_AS_VST3 {
        (&raw const VST3_FACTORY).cast()
    } else {
        std::ptr::null()
    }
}

unsafe extern "C" fn class_info(_factory: *const Vst3Factory, index: u32) -> *const ClassInfo {
    CLASSES.0.get(index as usize).map_or(std::ptr::null(), std::ptr::from_ref)
}

unsafe extern "C" fn plugin_count(_factory: *const clap_plugin_factory) -> u32 {
    PLUGINS.len() as u32
}

unsafe extern "C" fn plugin_descriptor(
    _factory: *const clap_plugin_factory,
    index: u32,
) -> *const clap_plugin_descriptor {
    let descriptor = descriptors().get(index as usize);
    descriptor.map_or(std::ptr::null(), |descriptor| {
        std::ptr::from_ref(descriptor.clap_plugin_descriptor())
    })
}

unsafe extern "C" fn create_plugin(
    _factory: *const clap_plugin_factory,
    host: *const clap_host,
    id: *const c_char,
) -> *const clap_plugin {
    if host.is_null() || id.is_null() {
        return std::ptr::null();
    }
    // SAFETY: not null, and a string by CLAP's rules.
    let id = unsafe { CStr::from_ptr(id) };
    let found =
        descriptors().iter().zip(&PLUGINS).find(|(descriptor, _)| descriptor.clap_id() == id);
    match found {
        // SAFETY: CLAP's contract for `create_plugin`: the host outlives its plugins.
        Some((_, plugin)) => unsafe { (plugin.create)(host) },
        None => std::ptr::null(),
    }
}
