//! The host's view of an instance: 128 parameters `v_1` to `v_128` and the saved fields.
//!
//! Ids, count and range (0..1, never stepped) never change; names and texts come from
//! [`Slots`](crate::slots::Slots). The persisted fields read the document when the host saves.
//! Loading goes through the CLAP layer and [`document::read_state`](crate::document::read_state), which is kinder to
//! damaged states; `set` serves only hosts of the framework that bypass it.

use crate::document::{Loaded, STATE_VERSION, Settings};
use crate::shared::Shared;
use crate::slots::{INITIAL, SLOTS};
use nice_plug::params::persist::PersistentField;
use nice_plug::prelude::{FloatParam, FloatRange, Params};
use std::sync::Arc;

/// All parameters and saved fields of an instance.
#[derive(Params)]
pub(crate) struct PluginParams {
    #[persist = "version"]
    version: VersionField,
    #[persist = "document"]
    document: DocumentField,
    #[persist = "settings"]
    settings: SettingsField,
    /// The slots, in order.
    #[nested(array, group = "Controls")]
    pub(crate) slots: Vec<SlotParam>,
}

/// One slot as the host knows it.
#[derive(Params)]
pub(crate) struct SlotParam {
    /// Its value, 0..1.
    #[id = "v"]
    pub(crate) value: FloatParam,
}

impl PluginParams {
    /// The parameters of an instance.
    pub(crate) fn new(shared: &Arc<Shared>) -> PluginParams {
        PluginParams {
            version: VersionField,
            document: DocumentField(Arc::clone(shared)),
            settings: SettingsField(Arc::clone(shared)),
            slots: (0..SLOTS).map(|slot| SlotParam { value: value(shared, slot) }).collect(),
        }
    }
}

fn value(shared: &Arc<Shared>, slot: usize) -> FloatParam {
    let (heard, shown, read) =
        (Arc::clone(&shared.slots), Arc::clone(&shared.slots), Arc::clone(&shared.slots));
    FloatParam::new(
        format!("(slot {})", slot + 1),
        INITIAL,
        FloatRange::Linear { min: 0.0, max: 1.0 },
    )
    .with_callback(Arc::new(move |value| heard.set_value(slot, value)))
    .with_value_to_string(Arc::new(move |value| shown.text(slot, f64::from(value))))
    .with_string_to_value(Arc::new(move |text| read.parse(slot, text).map(|value| value as f32)))
}

struct VersionField;

impl PersistentField<'_, u32> for VersionField {
    fn set(&self, _version: u32) {}

    fn map<F: Fn(&u32) -> R, R>(&self, read: F) -> R {
        read(&STATE_VERSION)
    }
}

struct DocumentField(Arc<Shared>);

impl PersistentField<'_, String> for DocumentField {
    fn set(&self, text: String) {
        let settings = self.0.settings();
        self.0.load(Loaded { text: Some(text), settings, ..Loaded::default() });
    }

    fn map<F: Fn(&String) -> R, R>(&self, read: F) -> R {
        read(&self.0.text().to_string())
    }
}

struct SettingsField(Arc<Shared>);

impl PersistentField<'_, Settings> for SettingsField {
    fn set(&self, settings: Settings) {
        self.0.set_live(settings.live);
        self.0.set_osc(settings.osc);
    }

    fn map<F: Fn(&Settings) -> R, R>(&self, read: F) -> R {
        read(&self.0.settings())
    }
}
