//! The window as the host opens it: egui in a baseview window, through nice-plug's adapter.
//!
//! Draws the [`View`](crate::editor::View) and carries out its actions on [`Shared`] and the host's parameters. The
//! only file that knows both the editor and the framework. Without a GL context the window does not
//! open and the host is told so; the audio goes on. A panic while drawing is caught.

use crate::assistant::Helper;
use crate::editor::{self, Action, Gesture, Live, Osc, View};
use crate::params::PluginParams;
use crate::report::highlight;
use crate::shared::Shared;
use crossbeam_channel::{Receiver, Sender, bounded};
use nice_plug::context::gui::GuiContext;
use nice_plug::editor::dpi::{LogicalSize, NativeSize};
use nice_plug::editor::{
    Editor, EditorHandle, HostMethods, Modifiers, ParentWindowHandle, ResizeHint, SizeConstraints,
    SpawnedEditor, VirtualKeyCode,
};
use nice_plug_egui::baseview::HandlerError;
use nice_plug_egui::{
    EguiEditor, EguiEditorHandle, EguiEditorState, EguiNiceSettings, Frame, NiceEguiApp,
    RepaintNotifier, create_egui_editor,
};
use std::cell::RefCell;
use std::error::Error;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Size of a new window, in logical points.
const SIZE: LogicalSize<f32> = LogicalSize { width: 960.0, height: 620.0 };

/// Smallest useful size.
const SMALLEST: LogicalSize<f32> = LogicalSize { width: 480.0, height: 320.0 };

/// How often an open window is drawn when nothing else asks for it.
const REFRESH: Duration = Duration::from_millis(66);

/// The same while something in it moves by itself.
const REFRESH_MOVING: Duration = Duration::from_millis(33);

/// How long closing waits for the thread that draws.
const PATIENCE: Duration = Duration::from_secs(2);

thread_local! {
    /// On a thread that draws a window: gone when the thread is.
    static DRAWS: RefCell<Option<Sender<Never>>> = const { RefCell::new(None) };
}

/// Nothing of this kind is ever sent: the channel ends when its sender does.
enum Never {}

/// What the open window holds of the host and of egui; empty while the window is closed, because
/// the host's side owns the window.
#[derive(Clone, Default)]
struct Open(Arc<Mutex<Option<(GuiContext, egui::Context)>>>);

/// For the thread that will draw a window.
type Begins = Arc<Mutex<Option<Sender<Never>>>>;

impl Open {
    fn set(&self, value: Option<(GuiContext, egui::Context)>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = value;
    }

    fn get(&self) -> Option<(GuiContext, egui::Context)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// The window of an instance, open or not.
pub struct Window {
    inner: EguiEditor<App>,
    open: Open,
    begins: Begins,
}

/// An open window. Fields are dropped in this order: it closes, then it is waited for.
pub struct OpenWindow {
    inner: Inner,
    _ended: Ended,
}

/// Waits, when dropped, for the end of the thread that drew a window. Where windows have a thread of
/// their own its code must not be unloaded under it; baseview 0.4.2 does not always join it.
struct Ended(Receiver<Never>);

impl Drop for Ended {
    fn drop(&mut self) {
        if cfg!(target_os = "linux") {
            // It is disconnected by the thread's end; after the patience there is nothing left to do.
            drop(self.0.recv_timeout(PATIENCE));
        }
    }
}

impl Window {
    /// The window of an instance, closed.
    pub(crate) fn new(
        title: &str,
        shared: &Arc<Shared>,
        params: &Arc<PluginParams>,
    ) -> Option<Window> {
        let (open, begins) = (Open::default(), Begins::default());
        let constraints = SizeConstraints::Logical { min_size: Some(SMALLEST), max_size: None };
        let settings = EguiNiceSettings::new().with_tile(title).with_resize_hint(ResizeHint {
            size_constraints: constraints,
            ..ResizeHint::RESIZABLE
        });
        let app = App {
            view: View::new(String::new(), 0, Live::Off, highlight, Box::<Helper>::default()),
            shared: Arc::clone(shared),
            params: Arc::clone(params),
            open: open.clone(),
            begins: Arc::clone(&begins),
            broken: false,
        };
        let state = EguiEditorState::from_size(SIZE, 1.0);
        let inner = create_egui_editor(state, RepaintNotifier::new(), settings, app)?;
        Some(Window { inner, open, begins })
    }
}

impl Editor for Window {
    type Handle = WindowHandle;

    fn spawn(
        &self,
        parent: Option<ParentWindowHandle>,
        wait_for_parent: bool,
        fallback_scale_factor: Option<f64>,
        gui_context: GuiContext,
        host: Option<HostMethods>,
    ) -> Result<SpawnedEditor<WindowHandle>, Box<dyn Error>> {
        let (begins, ended) = bounded(0);
        *lock(&self.begins) = Some(begins);
        let spawned =
            self.inner.spawn(parent, wait_for_parent, fallback_scale_factor, gui_context, host);
        // A thread that did not begin will not end.
        *lock(&self.begins) = None;
        let spawned = spawned?;
        let handle = WindowHandle { inner: spawned.handle, open: self.open.clone() };
        let window = OpenWindow { inner: spawned.window, _ended: Ended(ended) };
        Ok(SpawnedEditor { handle, window })
    }

    fn size(&self) -> NativeSize<u32> {
        self.inner.size()
    }

    fn resize_hint(&self) -> ResizeHint {
        self.inner.resize_hint()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The handle of an open window: egui's, with keys offered by the host answered, and the host let
/// go of when it closes.
pub struct WindowHandle {
    inner: EguiEditorHandle,
    open: Open,
}

impl Drop for WindowHandle {
    fn drop(&mut self) {
        self.open.set(None);
    }
}

type Inner = <EguiEditorHandle as EditorHandle>::Window;
type InnerError = <EguiEditorHandle as EditorHandle>::Error;

impl EditorHandle for WindowHandle {
    type Window = OpenWindow;
    type Error = InnerError;

    fn run_until_closed(window: OpenWindow) -> Result<(), InnerError> {
        EguiEditorHandle::run_until_closed(window.inner)
    }

    fn set_parent(
        &self,
        parent: ParentWindowHandle,
        window: &OpenWindow,
    ) -> Result<(), InnerError> {
        self.inner.set_parent(parent, &window.inner)
    }

    fn show(&self, window: &OpenWindow) -> Result<(), InnerError> {
        self.inner.show(&window.inner)
    }

    fn hide(&self, window: &OpenWindow) -> Result<(), InnerError> {
        self.inner.hide(&window.inner)
    }

    fn set_size(&self, size: NativeSize<u32>, window: &OpenWindow) -> Result<(), InnerError> {
        self.inner.set_size(size, &window.inner)
    }

    fn host_main_thread_callback(&self, window: &OpenWindow) {
        self.inner.host_main_thread_callback(&window.inner);
    }

    fn adjust_size(&self, size: NativeSize<u32>, window: &OpenWindow) -> Option<NativeSize<u32>> {
        self.inner.adjust_size(size, &window.inner)
    }

    fn set_fallback_scale_factor(
        &self,
        factor: f64,
        window: &OpenWindow,
    ) -> Result<(), InnerError> {
        self.inner.set_fallback_scale_factor(factor, &window.inner)
    }

    /// Claims the key while the code has the keyboard, so that the host doesn't act on it too.
    fn on_virtual_key_from_host(
        &self,
        _key: VirtualKeyCode,
        _down: bool,
        _modifiers: Modifiers,
    ) -> bool {
        self.open.get().is_some_and(|(_, context)| context.egui_wants_keyboard_input())
    }

    fn state_changed(&self) {
        self.inner.state_changed();
    }

    fn param_value_changed(&self, id: &str, value: f32) {
        self.inner.param_value_changed(id, value);
    }

    fn param_modulation_changed(&self, id: &str, offset: f32) {
        self.inner.param_modulation_changed(id, offset);
    }
}

/// What draws; lives as long as the instance, whether the window is open or not.
struct App {
    view: View,
    shared: Arc<Shared>,
    params: Arc<PluginParams>,
    open: Open,
    begins: Begins,
    /// A panic was caught: nothing more is drawn until the window opens again.
    broken: bool,
}

impl NiceEguiApp for App {
    fn build(
        &mut self,
        egui_ctx: egui::Context,
        gui: GuiContext,
        _frame: &mut Frame,
    ) -> Result<(), HandlerError> {
        DRAWS.with(|draws| *draws.borrow_mut() = lock(&self.begins).take());
        editor::install(&egui_ctx);
        self.open.set(Some((gui, egui_ctx)));
        self.broken = false;
        Ok(())
    }

    fn ui(&mut self, ui: &mut egui::Ui, _frame: &mut Frame) {
        if !self.broken {
            self.broken = catch_unwind(AssertUnwindSafe(|| self.draw(ui))).is_err();
        }
        if self.broken {
            ui.label("The window met an error of its own and stopped; the sound goes on. Close it and open it again.");
        }
    }
}

impl App {
    fn draw(&mut self, ui: &mut egui::Ui) {
        if let Some((revision, text, settings)) = self.shared.newer_than(self.view.revision()) {
            self.view.replace(text.to_string(), revision, settings.live());
        }
        let snapshot = self.shared.snapshot();
        let moves = !snapshot.probes.is_empty() || snapshot.waits.is_some();
        ui.ctx().request_repaint_after(if moves { REFRESH_MOVING } else { REFRESH });
        for action in self.view.ui(ui, &snapshot) {
            self.act(action);
        }
    }

    fn act(&self, action: Action) {
        match action {
            Action::Edited(text) => self.shared.edit(&text),
            Action::Compile(text) => self.shared.compile(&text),
            Action::Live(live) => self.shared.set_live(live == Live::On),
            Action::Osc(osc) => self.shared.set_osc(osc == Osc::On),
            Action::Swap(swap) => self.shared.set_swap(swap),
            Action::Again => self.shared.run_again(),
            Action::Ceiling(ceiling) => self.shared.set_ceiling(ceiling),
            Action::ClearGuard => self.shared.clear_guard(),
            Action::Patience(seconds) => self.shared.set_patience(seconds),
            Action::Folder(folder) => self.shared.set_folder(&folder),
            Action::Record(on) => self.shared.set_record(on),
            Action::SaveRecording => self.shared.save_recording(),
            Action::Span(span) => self.shared.set_span(span),
            Action::Turn { slot, gesture } => self.turn(slot, gesture),
        }
    }

    fn turn(&self, slot: usize, gesture: Gesture) {
        let (Some((gui, _)), Some(slot)) = (self.open.get(), self.params.slots.get(slot)) else {
            return;
        };
        let setter = gui.param_setter();
        match gesture {
            Gesture::Begin => setter.begin_set_parameter(&slot.value),
            Gesture::Set(value) => setter.set_parameter_normalized(&slot.value, value as f32),
            Gesture::End => setter.end_set_parameter(&slot.value),
        }
    }
}
