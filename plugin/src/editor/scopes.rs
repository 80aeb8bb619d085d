//! The program's probes: a small scope each, with its name and its last value.
//!
//! Takes traces, draws them at a scale that grows at once and shrinks only after a while.

use super::model::{Action, Probe, Snapshot, Span, Stroke};
use super::{caption, theme};
use egui::{Align, Align2, Button, Color32, FontId, Layout, Rect, RichText, Sense, Ui, pos2, vec2};
use std::collections::BTreeMap;

/// Height of a scope with its name, in points.
const CELL: f32 = 70.0;
/// Space between scopes, in points.
const SPACE: f32 = 8.0;
/// Height of the name.
const NAME: f32 = 18.0;
/// Width of the numbers at the ends of a scale.
const ENDS: f32 = 28.0;
/// How long a scale stays that is too large, in seconds.
const HOLD: f64 = 3.0;
/// The colours of the traces, in turn.
const COLORS: [Color32; 4] = [
    Color32::from_rgb(0x7c, 0xd6, 0x9a),
    Color32::from_rgb(0x6f, 0xc6, 0xe0),
    Color32::from_rgb(0xf2, 0xa6, 0x5a),
    Color32::from_rgb(0xc7, 0x9b, 0xf2),
];

/// The scales of the probes by name: their ends, and when they were last needed.
pub(super) type Scales = BTreeMap<String, (Stroke, f64)>;

/// The height that so many scopes want, in points.
pub(super) fn height(probes: usize) -> f32 {
    34.0 + (CELL + SPACE) * probes as f32
}

/// Draws all scopes, one below another.
pub(super) fn ui(ui: &mut Ui, snapshot: &Snapshot, scales: &mut Scales, actions: &mut Vec<Action>) {
    ui.horizontal(|ui| {
        caption(ui, "PROBES");
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            ui.spacing_mut().item_spacing.x = 2.0;
            ui.spacing_mut().button_padding = vec2(5.0, 2.0);
            for span in Span::ALL.into_iter().rev() {
                let on = span == snapshot.span;
                let color = if on { theme::ACCENT } else { theme::QUIET };
                let face = RichText::new(span_name(span)).size(11.0).color(color);
                if ui.add(Button::selectable(on, face).small()).clicked() {
                    actions.push(Action::Span(span));
                }
            }
        });
    });
    let time = ui.input(|input| input.time);
    scales.retain(|name, _| snapshot.probes.iter().any(|probe| probe.name == *name));
    let list = egui::ScrollArea::vertical().id_salt("scopes").auto_shrink([false, false]);
    list.show(ui, |ui| {
        ui.spacing_mut().item_spacing.y = SPACE;
        for (at, probe) in snapshot.probes.iter().enumerate() {
            let wanted = scale_of(&probe.trace);
            let scale = scales.entry(probe.name.clone()).or_insert((wanted, time));
            if scale.0.with(wanted) != scale.0 || time - scale.1 > HOLD || scale.0 == wanted {
                *scale = (wanted, time);
            }
            cell(ui, probe, scale.0, COLORS[at % COLORS.len()]);
        }
    });
}

fn span_name(span: Span) -> &'static str {
    match span {
        Span::Cycles => "20 ms",
        Span::Moment => "100 ms",
        Span::Seconds => "4 s",
    }
}

fn cell(ui: &mut Ui, probe: &Probe, scale: Stroke, color: Color32) {
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), CELL), Sense::hover());
    let value = probe.value.map_or("–".to_owned(), number);
    response.widget_info(|| {
        egui::WidgetInfo::labeled(egui::Role::Label, true, format!("{} {value}", probe.name))
    });
    let painter = ui.painter_at(rect);
    let right =
        painter.text(rect.right_top(), Align2::RIGHT_TOP, &value, FontId::monospace(12.0), color);
    let left = Rect::from_min_max(rect.min, pos2(right.min.x - 6.0, rect.min.y + NAME));
    ui.painter_at(left.intersect(ui.clip_rect())).text(
        rect.left_top(),
        Align2::LEFT_TOP,
        &probe.name,
        FontId::proportional(12.5),
        theme::TEXT,
    );
    let plot = Rect::from_min_max(pos2(rect.min.x, rect.min.y + NAME), rect.max);
    painter.rect_filled(plot, 4.0, theme::PAPER);
    let mut inner = plot.shrink2(vec2(4.0, 5.0));
    inner.min.x += ENDS;
    let height = |value: f32| {
        let part = (value - scale.low) / (scale.high - scale.low);
        inner.max.y - part.clamp(-0.1, 1.1) * inner.height()
    };
    if scale.low < 0.0 {
        painter.hline(inner.x_range(), height(0.0), egui::Stroke::new(1.0, theme::LINE));
    }
    let small = FontId::monospace(9.0);
    for (end, align, at) in [
        (scale.high, Align2::LEFT_TOP, plot.left_top() + vec2(4.0, 2.0)),
        (scale.low, Align2::LEFT_BOTTOM, plot.left_bottom() + vec2(4.0, -2.0)),
    ] {
        painter.text(at, align, number(f64::from(end)), small.clone(), theme::QUIET);
    }
    for points in lines(&probe.trace, inner, height) {
        painter.line(points, egui::Stroke::new(1.4, color));
    }
}

/// The trace as lines, interrupted where there is no number.
fn lines(trace: &[Stroke], area: Rect, height: impl Fn(f32) -> f32) -> Vec<Vec<egui::Pos2>> {
    let step = area.width() / trace.len().max(1) as f32;
    let mut lines: Vec<Vec<egui::Pos2>> = vec![Vec::new()];
    for (at, stroke) in trace.iter().enumerate() {
        let Some(line) = lines.last_mut() else { break };
        if !(stroke.low.is_finite() && stroke.high.is_finite()) {
            if !line.is_empty() {
                lines.push(Vec::new());
            }
            continue;
        }
        let x = area.min.x + (at as f32 + 0.5) * step;
        let (low, high) = (height(stroke.low), height(stroke.high));
        let before = line.last().map_or(low, |point| point.y);
        let (first, second) =
            if (before - low).abs() <= (before - high).abs() { (low, high) } else { (high, low) };
        if (first - second).abs() > 0.5 {
            line.push(pos2(x - step / 4.0, first));
            line.push(pos2(x + step / 4.0, second));
        } else {
            line.push(pos2(x, first));
        }
    }
    lines.retain(|line| line.len() > 1);
    lines
}

/// Ends of the scale that show a trace: 1, 2 or 5 times a power of ten; from 0 unless something is below.
fn scale_of(trace: &[Stroke]) -> Stroke {
    let finite = trace.iter().filter(|stroke| stroke.low.is_finite() && stroke.high.is_finite());
    let whole = finite.copied().reduce(Stroke::with).unwrap_or(Stroke { low: 0.0, high: 0.0 });
    let end = round_up(whole.low.abs().max(whole.high.abs()));
    Stroke { low: if whole.low < 0.0 { -end } else { 0.0 }, high: end }
}

fn round_up(size: f32) -> f32 {
    if size < 1e-6 {
        return 1.0;
    }
    let power = 10f32.powf(size.min(1e30).log10().floor());
    // A little over is still on the paper.
    let nice = [1.0, 2.0, 5.0].into_iter().find(|it| it * power * 1.02 >= size);
    nice.unwrap_or(10.0) * power
}

/// Four significant digits.
fn number(value: f64) -> String {
    if !value.is_finite() {
        return value.to_string();
    }
    let size = value.abs();
    if size != 0.0 && !(1e-4..1e6).contains(&size) {
        return format!("{value:.2e}");
    }
    let decimals = match size {
        _ if size >= 1000.0 => 1,
        _ if size >= 10.0 => 2,
        _ if size >= 0.1 => 3,
        _ => 4,
    };
    let text = format!("{value:.decimals$}");
    let text =
        if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    if text == "-0" { "0".to_owned() } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scales_are_round_and_show_everything() {
        let scale = |low, high| {
            let Stroke { low, high } = scale_of(&[Stroke { low, high }]);
            (low, high)
        };
        assert_eq!(scale(-0.3, 0.9), (-1.0, 1.0));
        assert_eq!(scale(0.0, 0.0), (0.0, 1.0));
        assert_eq!(scale(200.0, 440.0), (0.0, 500.0));
        assert_eq!(scale(-0.011, -0.01), (-0.02, 0.02));
        assert_eq!(scale(-1.01, 1.0), (-1.0, 1.0));
        assert_eq!(scale(f32::NAN, f32::NAN), (0.0, 1.0));
    }

    #[test]
    fn gaps_interrupt_the_trace() {
        let one = |low: f32, high: f32| Stroke { low, high };
        let trace =
            [one(0.0, 0.0), one(1.0, 1.0), one(f32::NAN, f32::NAN), one(0.0, 4.0), one(9.0, 9.0)];
        let area = Rect::from_min_max(pos2(0.0, 0.0), pos2(50.0, 10.0));
        let drawn = lines(&trace, area, |value| value);
        assert_eq!(drawn.iter().map(Vec::len).collect::<Vec<_>>(), [2, 3]);
        assert_eq!(drawn[1], [pos2(32.5, 0.0), pos2(37.5, 4.0), pos2(45.0, 9.0)]);
    }

    #[test]
    fn values_are_short() {
        for (value, want) in [
            (0.0, "0"),
            (-0.0, "0"),
            (0.25, "0.25"),
            (440.0, "440"),
            (-1.23456, "-1.235"),
            (3e9, "3.00e9"),
            (f64::NAN, "NaN"),
        ] {
            assert_eq!(number(value), want);
        }
    }
}
