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
            .args(["-displayfd", "1", "-screen", "0", "1920x1240x24", "-nolisten", "tcp"])
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

#[test]
fn the_panels_of_the_window_are_used() {
    match part().as_deref() {
        Some("2x") => return use_panels(2),
        Some(_) => return use_panels(1),
        None => {}
    }
    for part in ["1x", "2x"] {
        let screen = Screen::start();
        again("the_panels_of_the_window_are_used", part, &screen.name);
    }
}

/// A host's window with the plugin's in it.
struct Desk {
    rig: Rig,
    x11: RustConnection,
    root: u32,
    parent: u32,
    /// Pixels a point.
    scale: u16,
}

impl Desk {
    fn new(rig: Rig) -> Desk {
        Desk::scaled(rig, 1)
    }

    fn scaled(mut rig: Rig, scale: u16) -> Desk {
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
            SIZE.0 * scale,
            SIZE.1 * scale,
            0,
            WindowClass::INPUT_OUTPUT,
            visual,
            &CreateWindowAux::new(),
        )
        .expect("a window");
        x11.map_window(parent).expect("it shows");
        x11.flush().expect("it is sent");
        rig.pump();
        Desk { rig, x11, root, parent, scale }
    }

    fn open(&mut self) {
        let plugin = self.rig.instance.plugin_handle();
        let gui: PluginGui = plugin.get_extension().expect("it has a window");
        gui.create(&plugin, GuiConfiguration { api_type: GuiApiType::X11, is_floating: false })
            .expect("it is made");
        if self.scale != 1 {
            gui.set_scale(&plugin, self.scale.into()).expect("it is scaled");
        }
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

    /// Clicks at a place in points.
    fn click(&mut self, x: u16, y: u16) {
        let (x, y) = (x * self.scale, y * self.scale);
        self.xdotool(&["mousemove", &x.to_string(), &y.to_string(), "click", "1"]);
    }

    /// Leaves a picture of the window.
    fn picture(&mut self, name: &str) {
        let size = (SIZE.0 * self.scale, SIZE.1 * self.scale);
        let name = format!("panels-{}x-{name}.png", self.scale);
        picture(self, &name, size);
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

/// A program with everything that the window shows beside it.
const SHOWN: &str = include_str!("programs/shown.mmm");

/// A program that uses a file.
const MODULAR: &str = "use tone::*\nfn dsp(l, r) { tone() }";

/// A program that ends in a fault.
const ENDLESS: &str = "fn more(x) { more(x + 1) }\nfn dsp(l, r) { more(l) }";

/// Places in the window, in points.
const SETTINGS: (u16, u16) = (674, 22);
const SWAP: (u16, u16) = (812, 22);
const EVERY_8_BARS: (u16, u16) = (810, 214);
const FOLDER: (u16, u16) = (300, 120);
const TEXT: (u16, u16) = (300, 400);
const AGAIN: (u16, u16) = (58, 555);

fn use_panels(scale: u16) {
    let entry = entry();
    let mut rig = Rig::playing(&entry, EFFECT, 48_000.0, SHOWN);
    assert_eq!(rig.status().accepted, 1, "{}", words(&rig.status().message));
    rig.song = Some(rig::Song::default());
    let mut desk = Desk::scaled(rig, scale);
    desk.open();
    turn_knobs(&mut desk);
    // Where nothing is that would speak up.
    desk.xdotool(&["mousemove", "4", "4"]);
    desk.play(Duration::from_millis(1200));
    desk.picture("probes");
    choose_a_folder(&mut desk);
    wait_for_a_bar(&mut desk);
    stop_and_run_again(&mut desk);
    rename(&mut desk);
    read_the_library(&mut desk);
    squeeze(&mut desk);
    desk.close();
    desk.play(Duration::from_millis(200));
}

/// Knobs stand where the host moved them.
fn turn_knobs(desk: &mut Desk) {
    let mut events = clack_host::prelude::EventBuffer::new();
    for (slot, value) in [(1, 0.75), (2, 0.54), (3, 0.85)] {
        events.push(&rig::turn(0, slot, value));
    }
    desk.rig.process([vec![0.0; 64], vec![0.0; 64]], &events);
}

/// A folder typed into the settings is where the program's files are; they are watched and saved.
fn choose_a_folder(desk: &mut Desk) {
    let folder = std::env::temp_dir().join(format!("attacca-window-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder for temporary files");
    std::fs::write(folder.join("tone.mmm"), "pub fn tone() { 0.25 }").expect("it is written");
    desk.click(SETTINGS.0, SETTINGS.1);
    desk.click(FOLDER.0, FOLDER.1);
    desk.xdotool(&["type", "--delay", "12", &folder.display().to_string()]);
    desk.xdotool(&["key", "Return"]);
    desk.rig.set_text(MODULAR);
    let status = desk.rig.settle();
    assert_eq!((status.accepted, words(&status.message)), (1, String::new()));
    desk.play(Duration::from_millis(300));
    desk.picture("settings");
    assert_eq!(desk.rig.silence(64)[0][63], 0.25);
    std::fs::write(folder.join("tone.mmm"), "pub fn tone() { 0.125 }").expect("it is written");
    desk.play(Duration::from_millis(1500));
    assert_eq!(desk.rig.silence(64)[0][63], 0.125, "the changed file is heard");
    let saved = String::from_utf8_lossy(&desk.rig.save()).into_owned();
    assert!(saved.contains("attacca-window-") && saved.contains("tone() { 0.125 }"), "{saved}");
    std::fs::remove_dir_all(&folder).expect("it can be removed");
    desk.click(SETTINGS.0, SETTINGS.1);
}

/// An edit waits for one of the bars chosen in the menu; another one takes its place.
fn wait_for_a_bar(desk: &mut Desk) {
    desk.rig.set_text(SHOWN);
    desk.rig.settle();
    desk.click(SWAP.0, SWAP.1);
    desk.picture("swap");
    desk.click(EVERY_8_BARS.0, EVERY_8_BARS.1);
    let saved = String::from_utf8_lossy(&desk.rig.save()).into_owned();
    assert!(saved.contains(r#"\"swap\":{\"Bars\":8}"#), "{saved}");
    let song = desk.rig.song.as_mut().expect("there is a song");
    song.frames = 8 * rig::Song::BAR + 100;
    let before = desk.rig.settle();
    desk.click(TEXT.0, TEXT.1);
    for number in ["1", "2"] {
        desk.xdotool(&["key", "ctrl+a"]);
        let text = format!("fn dsp(l, r) {{ 0.{number}25 }}");
        desk.xdotool(&["type", "--delay", "2", &text]);
        desk.xdotool(&["key", "ctrl+Return"]);
    }
    desk.picture("waits");
    let waits = desk.rig.status();
    assert_eq!((waits.compiles, waits.swaps), (before.compiles + 2, before.swaps));
    let frames = |desk: &Desk| desk.rig.song.as_ref().map_or(0, |song| song.frames);
    let at = frames(desk);
    assert!(at < 16 * rig::Song::BAR, "this machine is too slow: {at}");
    desk.rig.silence((16 * rig::Song::BAR - at) as usize);
    let heard = desk.rig.silence(512);
    assert_eq!(heard[0][511], 0.225, "the newest text plays from the bar line on");
    desk.play(Duration::from_millis(200));
    assert_eq!(desk.rig.status().swaps, before.swaps + 1, "the older one never played");
}

/// A fault is shown with a button that runs the program again.
fn stop_and_run_again(desk: &mut Desk) {
    desk.rig.song = None;
    desk.rig.set_text(ENDLESS);
    desk.rig.settle();
    desk.play(Duration::from_millis(400));
    desk.picture("fault");
    let stopped = desk.rig.status();
    assert_eq!(stopped.state, rig::document_ext::DOCUMENT_FAULTED);
    desk.click(AGAIN.0, AGAIN.1);
    let again = desk.rig.status();
    assert_eq!((again.swaps, again.compiles), (stopped.swaps + 1, stopped.compiles));
}

/// Ctrl+R gives a name another one everywhere; meanwhile the guard holds the left channel back.
fn rename(desk: &mut Desk) {
    desk.rig.set_text("fn dsp(left, right) { (left + 100, right * 2 + left) }");
    desk.rig.settle();
    desk.click(TEXT.0, TEXT.1);
    desk.xdotool(&["key", "ctrl+Home"]);
    desk.xdotool(&["key", "--repeat", "8", "--delay", "20", "Right"]);
    desk.xdotool(&["key", "ctrl+r"]);
    desk.picture("rename");
    desk.xdotool(&["type", "--delay", "12", "first"]);
    desk.xdotool(&["key", "Return"]);
    let want = "fn dsp(first, right) { (first + 100, right * 2 + first) }";
    assert_eq!(desk.rig.text(), want);
}

/// Ctrl+B shows where a function of the library is defined; Escape closes that.
fn read_the_library(desk: &mut Desk) {
    desk.rig.set_text(SHOWN);
    desk.rig.settle();
    let (x, y) = (215 * desk.scale, 193 * desk.scale);
    desk.xdotool(&["mousemove", &x.to_string(), &y.to_string(), "click", "3"]);
    desk.picture("menu");
    desk.xdotool(&["key", "Escape"]);
    desk.click(TEXT.0, TEXT.1);
    desk.xdotool(&["key", "ctrl+Home"]);
    desk.xdotool(&["key", "--repeat", "7", "--delay", "20", "Down"]);
    desk.xdotool(&["key", "--repeat", "18", "--delay", "20", "Right"]);
    desk.xdotool(&["key", "ctrl+b"]);
    desk.picture("library");
    desk.xdotool(&["key", "Escape"]);
    desk.xdotool(&["key", "X"]);
    assert!(desk.rig.text().contains("sinXwave(pitch * ratio"), "{}", desk.rig.text());
}

/// The smallest window still shows everything.
fn squeeze(desk: &mut Desk) {
    let scale = u32::from(desk.scale);
    desk.resize(480 * scale, 320 * scale);
    desk.play(Duration::from_millis(300));
    desk.picture("narrow");
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
