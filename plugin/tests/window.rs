//! The window of the real plugin, embedded in a host's X11 window on a virtual screen: opened, typed
//! into, compiled, resized, closed and opened again.
//!
//! Needs the programs `Xvfb` and `xdotool`. A test runs itself again as a child with the screen's
//! name in its environment, because the plugin reads it there.

#![cfg(target_os = "linux")]
#![expect(unsafe_code, reason = "the host promises that its window outlives the plugin's")]

mod rig;

use clack_extensions::gui::{GuiApiType, GuiConfiguration, GuiSize, PluginGui, Window};
use rig::document_ext::DOCUMENT_PLAYING;
use rig::{EFFECT, Rig, entry, words};
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};
use x11rb::connection::Connection;
use x11rb::protocol::xproto::{ConnectionExt, CreateWindowAux, ImageFormat, WindowClass};
use x11rb::rust_connection::RustConnection;

/// Says to a child which part it plays.
const PART: &str = "ATTACCA_WINDOW_TEST";

const SIZE: (u16, u16) = (960, 620);
const HELPED: &str = "use osc::* fn dsp(){0}";
const TYPED: &str = "fn dsp(l, r) { (l / 2, r / 4) }";

/// A virtual screen, gone when dropped.
struct Screen {
    server: Child,
    name: String,
}

impl Screen {
    fn start() -> Screen {
        let mut server = Command::new("Xvfb")
            .args(["-displayfd", "1", "-screen", "0", "1280x900x24", "-nolisten", "tcp"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("Xvfb starts (Debian package xvfb)");
        let mut number = String::new();
        let output = server.stdout.take().expect("piped");
        BufReader::new(output).read_line(&mut number).expect("Xvfb tells its display");
        Screen { server, name: format!(":{}", number.trim()) }
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        drop(self.server.kill());
        drop(self.server.wait());
    }
}

/// Runs `test` of this file again as a child that shows on `display`.
fn again(test: &str, part: &str, display: &str) {
    let output = Command::new(std::env::current_exe().expect("a test has an executable"))
        .args([test, "--exact", "--nocapture", "--test-threads=1"])
        .env("DISPLAY", display)
        .env(PART, part)
        .output()
        .expect("the child starts");
    let (said, wrong) =
        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{}\n{said}\n{wrong}", output.status);
}

fn part() -> Option<String> {
    std::env::var(PART).ok()
}

#[test]
fn the_window_takes_a_program_and_plays_it() {
    if part().is_some() {
        return type_and_compile();
    }
    let screen = Screen::start();
    again("the_window_takes_a_program_and_plays_it", "screen", &screen.name);
}

#[test]
fn without_a_screen_the_window_stays_closed_and_the_sound_goes_on() {
    if part().is_some() {
        return no_screen();
    }
    again("without_a_screen_the_window_stays_closed_and_the_sound_goes_on", "none", ":4095");
}

/// A host's window with the plugin's in it.
struct Desk {
    rig: Rig,
    x11: RustConnection,
    root: u32,
    parent: u32,
}

impl Desk {
    fn new(mut rig: Rig) -> Desk {
        let (x11, number) = x11rb::connect(None).expect("the screen is there");
        let (root, visual, depth) = {
            let screen = &x11.setup().roots[number];
            (screen.root, screen.root_visual, screen.root_depth)
        };
        let parent = x11.generate_id().expect("ids are left");
        x11.create_window(
            depth,
            parent,
            root,
            0,
            0,
            SIZE.0,
            SIZE.1,
            0,
            WindowClass::INPUT_OUTPUT,
            visual,
            &CreateWindowAux::new(),
        )
        .expect("a window");
        x11.map_window(parent).expect("it shows");
        x11.flush().expect("it is sent");
        rig.pump();
        Desk { rig, x11, root, parent }
    }

    fn open(&mut self) {
        let plugin = self.rig.instance.plugin_handle();
        let gui: PluginGui = plugin.get_extension().expect("it has a window");
        gui.create(&plugin, GuiConfiguration { api_type: GuiApiType::X11, is_floating: false })
            .expect("it is made");
        assert!(gui.can_resize(&plugin));
        // SAFETY: the parent is destroyed after the plugin's window: see `close`.
        unsafe { gui.set_parent(&plugin, Window::from_x11_handle(self.parent.into())) }
            .expect("it is embedded");
        gui.show(&plugin).expect("it shows");
        self.play(Duration::from_millis(600));
    }

    fn close(&mut self) {
        let plugin = self.rig.instance.plugin_handle();
        let gui: PluginGui = plugin.get_extension().expect("it has a window");
        gui.destroy(&plugin);
    }

    fn resize(&mut self, width: u32, height: u32) {
        let aux = x11rb::protocol::xproto::ConfigureWindowAux::new().width(width).height(height);
        self.x11.configure_window(self.parent, &aux).expect("it grows");
        self.x11.flush().expect("it is sent");
        let plugin = self.rig.instance.plugin_handle();
        let gui: PluginGui = plugin.get_extension().expect("it has a window");
        gui.set_size(&plugin, GuiSize { width, height }).expect("the plugin follows");
        self.play(Duration::from_millis(300));
    }

    /// Lets sound and time go on.
    fn play(&mut self, time: Duration) {
        let end = Instant::now() + time;
        while Instant::now() < end {
            self.rig.silence(256);
            self.rig.pump();
            std::thread::sleep(Duration::from_millis(4));
        }
    }

    fn xdotool(&mut self, arguments: &[&str]) {
        let status = Command::new("xdotool")
            .args(arguments)
            .status()
            .expect("xdotool starts (Debian package xdotool)");
        assert!(status.success(), "xdotool {arguments:?}");
        self.play(Duration::from_millis(250));
    }

    /// How many different colours the top left of the screen shows.
    fn colours(&self, width: u16, height: u16) -> usize {
        let image = self
            .x11
            .get_image(ImageFormat::Z_PIXMAP, self.root, 0, 0, width, height, !0)
            .expect("asked");
        let image = image.reply().expect("a picture");
        let mut pixels: Vec<&[u8]> = image.data.chunks_exact(4).map(|pixel| &pixel[..3]).collect();
        pixels.sort_unstable();
        pixels.dedup();
        pixels.len()
    }
}

fn type_and_compile() {
    let entry = entry();
    let mut rig = Rig::new(&entry, EFFECT);
    rig.activate(48_000.0);
    rig.settle();
    let mut desk = Desk::new(rig);
    assert_eq!(desk.colours(SIZE.0, SIZE.1), 1, "the host's window is empty");
    desk.open();
    assert!(
        desk.colours(SIZE.0, SIZE.1) > 60,
        "the plugin draws: {}",
        desk.colours(SIZE.0, SIZE.1)
    );
    picture(&mut desk, "window-first.png", SIZE);
    let compiles = desk.rig.status().compiles;
    let dirty = desk.rig.asked.dirty.load(Ordering::SeqCst);
    desk.xdotool(&["mousemove", "300", "200", "click", "1"]);
    desk.xdotool(&["key", "ctrl+a"]);
    desk.xdotool(&["type", "--delay", "12", TYPED]);
    assert_eq!(desk.rig.text(), TYPED, "what is typed is kept with the session");
    assert!(
        desk.rig.asked.dirty.load(Ordering::SeqCst) > dirty,
        "typing marks the project as changed"
    );
    assert_eq!(desk.rig.status().compiles, compiles, "typing alone compiles nothing");
    desk.xdotool(&["key", "ctrl+Return"]);
    let status = desk.rig.settle();
    assert_eq!((status.state, status.errors), (DOCUMENT_PLAYING, 0), "{}", words(&status.message));
    assert!(status.compiles > compiles);
    assert_eq!(desk.rig.text(), TYPED, "the shortcut leaves the text alone");
    desk.play(Duration::from_millis(100));
    let ones = [vec![1.0f32; 64], vec![1.0f32; 64]];
    let heard = desk.rig.process(ones, &clack_host::prelude::EventBuffer::new());
    assert_eq!((heard[0][63], heard[1][63]), (0.5, 0.25));
    desk.resize(1200, 800);
    assert!(desk.colours(1200, 800) > 60);
    desk.close();
    desk.play(Duration::from_millis(200));
    desk.open();
    assert!(desk.colours(1200, 800) > 60, "it opens again");
    desk.xdotool(&["mousemove", "300", "200", "click", "1", "key", "ctrl+End"]);
    desk.xdotool(&["type", "--delay", "12", " oops"]);
    desk.xdotool(&["key", "ctrl+Return"]);
    let status = desk.rig.settle();
    assert_eq!(
        (status.state, status.accepted),
        (DOCUMENT_PLAYING, 0),
        "an error leaves the sound alone"
    );
    picture(&mut desk, "window.png", (1200, 800));
    desk.xdotool(&["key", "ctrl+a"]);
    desk.xdotool(&["type", "--delay", "12", HELPED]);
    desk.xdotool(&["key", "ctrl+Home"]);
    desk.xdotool(&["key", "ctrl+shift+f"]);
    desk.xdotool(&["key", "ctrl+End"]);
    desk.xdotool(&["type", "--delay", "12", "sinw"]);
    desk.play(Duration::from_millis(400));
    picture(&mut desk, "window-completion.png", (1200, 800));
    desk.xdotool(&["key", "Return"]);
    desk.xdotool(&["type", "--delay", "12", "("]);
    picture(&mut desk, "window-signature.png", (1200, 800));
    assert_eq!(desk.rig.text(), "use osc::*\nfn dsp() { 0 }\nsinwave(", "laid out and completed");
    // The host forgets to close the window: destroying the instance does it.
    drop(desk);
}

/// Leaves a picture beside the test's executable, if the program for it is there.
fn picture(desk: &mut Desk, name: &str, (width, height): (u16, u16)) {
    desk.play(Duration::from_millis(200));
    let exe = std::env::current_exe().expect("a test has an executable");
    let path = exe.parent().unwrap_or(Path::new(".")).join(name);
    let part = format!("{width}x{height}+0+0");
    drop(Command::new("import").args(["-window", "root", "-crop", &part]).arg(path).status());
}

fn no_screen() {
    let entry = entry();
    let mut rig = Rig::playing(&entry, EFFECT, 48_000.0, TYPED);
    {
        let plugin = rig.instance.plugin_handle();
        let gui: PluginGui = plugin.get_extension().expect("it has a window");
        let configuration = GuiConfiguration { api_type: GuiApiType::X11, is_floating: false };
        let made = gui.create(&plugin, configuration);
        // SAFETY: there is no such window, and the plugin finds no screen to look for it.
        let shown =
            made.and_then(|()| unsafe { gui.set_parent(&plugin, Window::from_x11_handle(1)) });
        let shown = shown.and_then(|()| gui.show(&plugin));
        assert!(shown.is_err(), "the host is told that there is no window");
    }
    for _ in 0..400 {
        rig.silence(64);
    }
    let heard =
        rig.process([vec![1.0; 64], vec![1.0; 64]], &clack_host::prelude::EventBuffer::new());
    assert_eq!((heard[0][63], heard[1][63]), (0.5, 0.25));
}
