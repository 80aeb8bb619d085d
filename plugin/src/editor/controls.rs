//! The program's controls: one knob each.
//!
//! Takes what the program declares and where the values stand, gives gestures. A knob is turned by
//! dragging up or down (finer with Shift), by the wheel, or by the arrow keys; a double click
//! returns to the initial value. Draws only; values live with the host.

use super::{Action, Control, Gesture, theme};
use egui::{Align2, FontId, Key, Modifiers, Rect, Role, Sense, Stroke, Ui, pos2, vec2};
use std::f32::consts::PI;

/// Width and height of a knob with its name and value, in points.
const CELL: egui::Vec2 = vec2(92.0, 98.0);
/// Radius of the dial.
const RADIUS: f32 = 22.0;
/// Half of the gap at the bottom of the dial, in radians.
const GAP: f32 = 0.75;

/// Draws all knobs, as many in a row as fit, and pushes what was done to them.
pub(super) fn ui(ui: &mut Ui, controls: &[Control], actions: &mut Vec<Action>) {
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing = vec2(4.0, 8.0);
        for control in controls {
            knob(ui, control, actions);
        }
    });
}

fn knob(ui: &mut Ui, control: &Control, actions: &mut Vec<Action>) {
    let (rect, response) = ui.allocate_exact_size(CELL, Sense::click_and_drag());
    let mut act = |gesture| actions.push(Action::Turn { slot: control.slot, gesture });
    if response.drag_started() {
        act(Gesture::Begin);
    }
    if response.dragged() {
        let fine = if ui.input(|input| input.modifiers.shift) { 0.1 } else { 1.0 };
        let moved = response.drag_delta();
        let step = f64::from((moved.x - moved.y) * fine / 200.0);
        if step != 0.0 {
            act(Gesture::Set((control.value + step).clamp(0.0, 1.0)));
        }
    }
    if response.drag_stopped() {
        act(Gesture::End);
    }
    let mut jump = response.double_clicked().then_some(control.initial);
    if response.clicked() {
        response.request_focus();
    }
    if response.has_focus() {
        jump = jump.or(by_key(ui, control.value));
    }
    if let Some(value) = jump {
        act(Gesture::Begin);
        act(Gesture::Set(value));
        act(Gesture::End);
    }
    response.widget_info(|| {
        let mut info = egui::WidgetInfo::slider(true, control.value, &control.name);
        info.role = Role::Slider;
        info
    });
    paint(ui, rect, control, response.hovered() || response.dragged() || response.has_focus());
    let hint = format!(
        "{}: {}\ndrag up or down, Shift is finer, double click resets",
        control.name, control.text
    );
    response.on_hover_text(hint);
}

fn by_key(ui: &Ui, value: f64) -> Option<f64> {
    let step = ui.input_mut(|input| {
        let up = input.consume_key(Modifiers::NONE, Key::ArrowUp);
        let down = input.consume_key(Modifiers::NONE, Key::ArrowDown);
        f64::from(i8::from(up) - i8::from(down)) * 0.01
    });
    (step != 0.0).then(|| (value + step).clamp(0.0, 1.0))
}

fn paint(ui: &Ui, rect: Rect, control: &Control, lively: bool) {
    let painter = ui.painter_at(rect);
    if lively {
        painter.rect_filled(rect, 8.0, theme::RAISED);
    }
    let center = pos2(rect.center().x, rect.min.y + 14.0 + RADIUS);
    let value = control.value.clamp(0.0, 1.0) as f32;
    let initial = control.initial.clamp(0.0, 1.0) as f32;
    arc(&painter, center, 0.0, 1.0, Stroke::new(4.0, theme::LINE));
    let (low, high) = if value < initial { (value, initial) } else { (initial, value) };
    arc(&painter, center, low, high, Stroke::new(4.0, theme::ACCENT));
    painter.circle(center, RADIUS - 6.0, theme::RAISED_HOVER, Stroke::new(1.0, theme::LINE));
    let direction = egui::Vec2::angled(angle(value));
    painter.line_segment(
        [center + direction * 5.0, center + direction * (RADIUS - 7.0)],
        Stroke::new(2.5, theme::TEXT),
    );
    let below = center.y + RADIUS + 6.0;
    let middle = rect.center().x;
    painter.text(
        pos2(middle, below),
        Align2::CENTER_TOP,
        shortened(&control.name, 14),
        FontId::proportional(12.5),
        theme::TEXT,
    );
    painter.text(
        pos2(middle, below + 16.0),
        Align2::CENTER_TOP,
        shortened(&control.text, 14),
        FontId::monospace(11.0),
        theme::QUIET,
    );
}

/// The direction of the pointer for a value 0..1, in radians, clockwise from the right.
fn angle(value: f32) -> f32 {
    PI / 2.0 + GAP + value * (2.0 * PI - 2.0 * GAP)
}

fn arc(painter: &egui::Painter, center: egui::Pos2, from: f32, to: f32, stroke: Stroke) {
    let steps = ((to - from) * 48.0).ceil().max(1.0) as usize;
    let point = |step: usize| {
        let value = from + (to - from) * step as f32 / steps as f32;
        center + egui::Vec2::angled(angle(value)) * RADIUS
    };
    painter.line((0..=steps).map(point).collect(), stroke);
}

fn shortened(text: &str, longest: usize) -> String {
    if text.chars().count() <= longest {
        return text.to_owned();
    }
    text.chars().take(longest - 1).chain(['…']).collect()
}
